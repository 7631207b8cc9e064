"""The contact sheet: search results as one PNG picture, and as a page beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw

from scripts.programs.gallery.page import render_page
from scripts.programs.gallery.photos import PAPER, Loaded, load_all, scaled
from scripts.programs.gallery.results import Search, printable, short_name
from scripts.programs.gallery.text import font_for, shorten, wrap

WIDTH = 1600
MARGIN = 64
PADDING = 40
# Queries are in a column at the left, photos in the columns beside it.
QUERY_WIDTH = 288
LEFT = MARGIN + QUERY_WIDTH + PADDING
RIGHT = WIDTH - MARGIN
COLUMNS = 5
TILE = (209, 167)
LINE_HEIGHT = TILE[1] + 92
RADIUS = 14

BACKGROUND = "#fafaf9"
INK = "#1c1917"
MUTED = "#57534e"
LINE = "#e2dfdc"
ACCENT = "#0f766e"


def write(searches: Sequence[Search], folder: Path, heading: str, model: str) -> tuple[Path, Path]:
    """Write ``contact_sheet.html`` and ``contact_sheet.png`` into ``folder``; return their paths.

    A photo that cannot be read becomes a grey tile that says why.

    Raises:
        OSError: the folder cannot be written to.
    """
    photos = load_all(path for search in searches for path in search.photos())
    folder.mkdir(parents=True, exist_ok=True)
    page, picture = folder / "contact_sheet.html", folder / "contact_sheet.png"
    page.write_bytes(render_page(searches, photos, heading, model))
    bands = [header(printable(heading), printable(model)), *(row(search, photos) for search in searches)]
    if not searches:
        bands.append(Band(160))
        bands[-1].empty((MARGIN, 0, RIGHT, 120), "No searches to show")
    sheet = Image.new("RGB", (WIDTH, sum(band.image.height for band in bands)))
    top = 0
    for band in bands:
        sheet.paste(band.image, (0, top))
        top += band.image.height
    sheet.save(picture, optimize=True)
    return page, picture


class Band:
    """A part of the sheet, from edge to edge."""

    def __init__(self, height: int) -> None:
        self.image = Image.new("RGB", (WIDTH, height), BACKGROUND)
        self.pen = ImageDraw.Draw(self.image)

    def text(self, at: tuple[float, float], line: str, size: int, colour: str, anchor: str = "la") -> None:
        """Write one line; ``at`` is its top left corner unless Pillow's ``anchor`` says otherwise."""
        self.pen.text(at, line, colour, font_for(line, size), anchor)

    def photo(self, photo: Loaded, corner: tuple[int, int]) -> None:
        """Draw a photo with round corners, or a grey tile that says why there is none."""
        tile = Image.new("RGB", TILE, PAPER)
        if isinstance(photo, Image.Image):
            inner = scaled(photo, TILE)
            tile.paste(inner, ((TILE[0] - inner.width) // 2, (TILE[1] - inner.height) // 2))
        self.image.paste(tile, corner, round_corners())
        if isinstance(photo, str):
            lines = wrap(photo, font_for(photo, 22), TILE[0] - 24, lines=3)
            x, y = corner[0] + TILE[0] // 2, corner[1] + TILE[1] // 2 - 15 * (len(lines) - 1)
            for number, line in enumerate(lines):
                self.text((x, y + 30 * number), line, 22, MUTED, anchor="mm")

    def empty(self, box: tuple[int, int, int, int], message: str) -> None:
        """Draw the place of photos that are not there."""
        self.pen.rounded_rectangle(box, RADIUS, None, LINE, 3)
        self.text(((box[0] + box[2]) // 2, (box[1] + box[3]) // 2), message, 26, MUTED, anchor="mm")


def header(heading: str, model: str) -> Band:
    """Draw the heading and the line below it."""
    lines = wrap(heading, font_for(heading, 52), RIGHT - MARGIN, lines=2)
    band = Band(MARGIN + 64 * len(lines) + 68)
    for number, line in enumerate(lines):
        band.text((MARGIN, MARGIN + 64 * number), line, 52, INK)
    for line in wrap(model, font_for(model, 26), RIGHT - MARGIN, lines=1):
        band.text((MARGIN, band.image.height - 60), line, 26, MUTED)
    return band


def row(search: Search, photos: Mapping[str, Loaded]) -> Band:
    """Draw one search: its query at the left, then what it found."""
    title = wrap(printable(search.title), font_for(printable(search.title), 34), QUERY_WIDTH, lines=4)
    title_top = PADDING + 36 + (TILE[1] + 16 if search.query_image else 0)
    tile_lines = -(-len(search.results) // COLUMNS) or 1
    band = Band(max(title_top + len(title) * 42, PADDING + tile_lines * LINE_HEIGHT - 24) + PADDING)

    band.pen.line((MARGIN, 0, RIGHT, 0), LINE, 2)
    band.text((MARGIN, PADDING), "PHOTO SEARCH" if search.query_image else "TEXT SEARCH", 20, ACCENT)
    if search.query_image:
        band.photo(photos[search.query_image], (MARGIN, PADDING + 36))
    for number, line in enumerate(title):
        band.text((MARGIN, title_top + 42 * number), line, 34, INK)
    if not search.results:
        band.empty((LEFT, PADDING, RIGHT, PADDING + TILE[1]), "No photos found")
    for number, result in enumerate(search.results):
        # The first tile begins at the left edge and the last one ends at the right edge.
        x = LEFT + number % COLUMNS * (RIGHT - LEFT - TILE[0]) // (COLUMNS - 1)
        y = PADDING + number // COLUMNS * LINE_HEIGHT
        band.photo(photos[result.path], (x, y))
        caption = y + TILE[1] + 10
        band.text((x, caption), f"{result.rank}", 24, INK)
        band.text((x + TILE[0], caption), f"{result.score:.3f}", 24, ACCENT, anchor="ra")
        name = short_name(result.path)
        band.text((x, caption + 30), shorten(name, font_for(name, 20), TILE[0]), 20, MUTED)
    return band


@cache
def round_corners() -> Image.Image:
    """Return a mask with smooth round corners."""
    large = Image.new("L", (TILE[0] * 4, TILE[1] * 4))
    ImageDraw.Draw(large).rounded_rectangle((0, 0, large.width - 1, large.height - 1), RADIUS * 4, 255)
    return large.resize(TILE, Image.Resampling.LANCZOS)
