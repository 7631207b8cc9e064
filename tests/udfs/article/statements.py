"""The article's statements, and the names of its photos."""

from __future__ import annotations

from pathlib import Path

from tests.support.drawings import DRAWINGS

ARTICLE = Path(__file__).with_name("article.sql")
FIRST = "test_data/bdd100k/images/10k/train/0004a4c0-d4dff0ad.jpg"
# Where the rest of the photos come in, with ids that the searches name.
OTHERS = dict(enumerate(sorted(DRAWINGS), 5560))


def statements(service: str, folder: Path, dimension: int) -> list[str]:
    """Return the article's statements, its placeholders filled in."""
    text = ARTICLE.read_text("utf-8")
    for name, value in {"service": service, "folder": str(folder), "dimension": str(dimension)}.items():
        text = text.replace("{" + name + "}", value)
    found, quoted = [""], ""
    for line in text.splitlines():
        for quote in ("$$", "$function$"):
            if line.count(quote) == 1:
                quoted = "" if quoted else quote
        found[-1] += line + "\n"
        if not quoted and line.rstrip().endswith(";"):
            found.append("")
    return [statement.strip() for statement in found if statement.strip()]
