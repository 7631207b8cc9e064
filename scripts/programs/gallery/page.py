"""Search results as one HTML page that needs nothing beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from PIL import Image

from scripts.programs.gallery.photos import Loaded, data_url, scaled
from scripts.programs.gallery.results import Search, printable, short_name

THUMBNAIL = (360, 288)
# Everything is escaped, as paths and queries are anybody's.
TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
TEMPLATES.filters |= {"printable": printable, "short_name": short_name}


def render_page(
    searches: Sequence[Search],
    photos: Mapping[str, Loaded],
    heading: str,
    subheading: str,
    template: str = "page.html",
    **more: object,
) -> bytes:
    """Render a template of this folder; what UTF-8 cannot hold becomes a question mark."""
    # A photo that several searches found is carried by each: without scripts there is no sharing.
    thumbnails = {
        path: data_url(scaled(photo, THUMBNAIL), quality=82)
        for path, photo in photos.items()
        if isinstance(photo, Image.Image)
    }
    page = TEMPLATES.get_template(template).render(
        searches=searches,
        photos=photos,
        thumbnails=thumbnails,
        heading=heading,
        subheading=subheading,
        size=THUMBNAIL,
        **more,
    )
    return page.encode("utf-8", "replace")
