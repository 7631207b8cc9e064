"""Search results as people would rather see them: one picture and one page of ranked photos."""

from __future__ import annotations

from pathlib import Path

from scripts.contact_sheet.page import render_page
from scripts.contact_sheet.photos import load_all
from scripts.contact_sheet.picture import render_picture
from scripts.contact_sheet.searches import Result, Search

__all__ = ["Result", "Search", "write"]


def write(searches: list[Search], out_dir: Path, heading: str, model: str) -> tuple[Path, Path]:
    """Write ``contact_sheet.html`` and ``contact_sheet.png`` into ``out_dir``; return their paths.

    A photo that cannot be read becomes a grey tile that says why, so only a disk that cannot be
    written to stops this.
    """
    photos = load_all(path for search in searches for path in search.photos())
    out_dir.mkdir(parents=True, exist_ok=True)
    page = out_dir / "contact_sheet.html"
    page.write_text(render_page(searches, photos, heading, model), encoding="utf-8", errors="replace")
    picture = out_dir / "contact_sheet.png"
    render_picture(searches, photos, heading, model).save(picture, optimize=True)
    return page, picture
