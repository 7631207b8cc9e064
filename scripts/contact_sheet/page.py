"""The contact sheet as one HTML page that needs nothing beside it."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from PIL import Image

from scripts.contact_sheet.photos import Loaded, scaled
from scripts.contact_sheet.searches import Search, printable, short_name

THUMBNAIL = (360, 288)
SHEET = Path(__file__).with_name("page.html")


def render_page(
    searches: list[Search],
    photos: Mapping[str, Loaded],
    heading: str,
    model: str,
    template: Path = SHEET,
    **more: object,
) -> str:
    """Fill the template, or one that extends it; everything in it is escaped, as paths and queries are anybody's."""
    templates = Environment(
        loader=FileSystemLoader([template.parent, SHEET.parent]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {"printable": printable, "short_name": short_name}
    # A photo that several searches found is embedded each time, as without scripts there is no sharing.
    thumbnails = {path: data_uri(photo) for path, photo in photos.items() if isinstance(photo, Image.Image)}
    return templates.get_template(template.name).render(
        searches=searches,
        photos=photos,
        thumbnails=thumbnails,
        heading=heading,
        model=model,
        size=THUMBNAIL,
        **more,
    )


def data_uri(photo: Image.Image) -> str:
    """Return the photo's thumbnail as a URI that carries the picture itself."""
    jpeg = io.BytesIO()
    scaled(photo, THUMBNAIL).save(jpeg, "JPEG", quality=82, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(jpeg.getvalue()).decode("ascii")
