"""The contact sheet: search results as one PNG picture, and as a page beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from pathlib import Path

from PIL import Image, ImageDraw

from scripts.programs.gallery.page import render_page
from scripts.programs.gallery.photos import PAPER, Loaded, load_all, scaled
from scripts.programs.gallery.results import Result, Search, printable, short_name
from scripts.programs.gallery.text import font_for, shorten, wrap

WIDTH = 1600
MARGIN = 64
QUERY_WIDTH = 288
GAP = 24
ROW_GAP = 40
MOST_COLUMNS = 6
FEWEST_COLUMNS = 4
CAPTION_HEIGHT = 68
TITLE_LINE = 42
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
    Sheet(searches, photos, printable(heading), printable(model)).draw().save(picture, optimize=True)
    return page, picture


class Sheet:
    """One drawing: a row of ranked photos for each search, below a heading."""

    def __init__(self, searches: Sequence[Search], photos: Mapping[str, Loaded], heading: str, model: str) -> None:
        self.searches = searches
        self.photos = photos
        self.heading = wrap(heading, font_for(heading, 52), WIDTH - 2 * MARGIN, lines=2)
        self.model = wrap(model, font_for(model, 26), WIDTH - 2 * MARGIN, lines=1)
        # A long row is broken into lines of nearly the same length.
        longest = max((len(search.results) for search in searches), default=0)
        self.columns = max(FEWEST_COLUMNS, ceil(longest / max(1, ceil(longest / MOST_COLUMNS))))
        self.left = MARGIN + QUERY_WIDTH + ROW_GAP
        self.tile_width = (WIDTH - MARGIN - self.left - GAP * (self.columns - 1)) // self.columns
        self.tile_height = self.tile_width * 4 // 5
        self.line_height = self.tile_height + CAPTION_HEIGHT + GAP
        # The photo that was searched with is as large as those that were found.
        self.query_size = (min(self.tile_width, QUERY_WIDTH), min(self.tile_height, QUERY_WIDTH * 4 // 5))

    def draw(self) -> Image.Image:
        """Draw everything."""
        top = MARGIN + 64 * len(self.heading) + 68
        heights = [self.row_height(search) for search in self.searches]
        height = top + sum(heights) + 2 * ROW_GAP * len(heights)
        self.sheet = Image.new("RGB", (WIDTH, max(height, top + 160)), BACKGROUND)
        self.pen = ImageDraw.Draw(self.sheet)
        for number, line in enumerate(self.heading):
            self.text((MARGIN, MARGIN + 64 * number), line, 52, INK)
        for line in self.model:
            self.text((MARGIN, top - 60), line, 26, MUTED)
        if not self.searches:
            self.empty(MARGIN, top, WIDTH - 2 * MARGIN, 120, "No searches to show")
        for search, row_height in zip(self.searches, heights, strict=True):
            self.pen.line((MARGIN, top, WIDTH - MARGIN, top), LINE, 2)
            self.row(search, top + ROW_GAP)
            top += row_height + 2 * ROW_GAP
        return self.sheet

    def row_height(self, search: Search) -> int:
        """Return the height of a search's row: that of its photos or of its query, whichever is more."""
        lines = max(1, ceil(len(search.results) / self.columns))
        photo = self.query_size[1] + 16 if search.query_image else 0
        query = 36 + photo + len(self.title(search)) * TITLE_LINE
        return max(lines * self.line_height - GAP, query)

    def title(self, search: Search) -> list[str]:
        """Return the lines of a search's title."""
        title = printable(search.title)
        return wrap(title, font_for(title, 34), QUERY_WIDTH, lines=4)

    def row(self, search: Search, top: int) -> None:
        """Draw one search: its query at the left, then what it found."""
        self.text((MARGIN, top), "PHOTO SEARCH" if search.query_image else "TEXT SEARCH", 20, ACCENT)
        y = top + 36
        if search.query_image:
            self.photo(search.query_image, (MARGIN, y), self.query_size)
            y += self.query_size[1] + 16
        for words in self.title(search):
            self.text((MARGIN, y), words, 34, INK)
            y += TITLE_LINE
        if not search.results:
            width = WIDTH - MARGIN - self.left
            self.empty(self.left, top, width, self.tile_height, "No photos found")
        for number, result in enumerate(search.results):
            line, column = divmod(number, self.columns)
            # From edge to edge: the pixels that the division left over go between the tiles.
            x = self.left + column * (WIDTH - MARGIN - self.left - self.tile_width) // (self.columns - 1)
            self.result(result, x, top + line * self.line_height)

    def result(self, result: Result, x: int, y: int) -> None:
        """Draw one result: the photo, and under it rank, score and file name."""
        self.photo(result.path, (x, y), (self.tile_width, self.tile_height))
        caption = y + self.tile_height + 10
        self.text((x, caption), f"{result.rank}", 24, INK)
        self.text((x + self.tile_width, caption), f"{result.score:.3f}", 24, ACCENT, anchor="ra")
        name = short_name(result.path)
        self.text((x, caption + 30), shorten(name, font_for(name, 20), self.tile_width), 20, MUTED)

    def photo(self, path: str, corner: tuple[int, int], size: tuple[int, int]) -> None:
        """Draw a photo with round corners, or a grey tile that says why there is none."""
        photo = self.photos[path]
        tile = Image.new("RGB", size, PAPER)
        if isinstance(photo, Image.Image):
            inner = scaled(photo, size)
            tile.paste(inner, ((size[0] - inner.width) // 2, (size[1] - inner.height) // 2))
        self.sheet.paste(tile, corner, round_corners(size))
        if isinstance(photo, str):
            lines = wrap(photo, font_for(photo, 22), size[0] - 24, lines=3)
            x, y = corner[0] + size[0] // 2, corner[1] + size[1] // 2 - 15 * (len(lines) - 1)
            for number, line in enumerate(lines):
                self.text((x, y + 30 * number), line, 22, MUTED, anchor="mm")

    def empty(self, x: int, y: int, width: int, height: int, message: str) -> None:
        """Draw the place of photos that are not there."""
        self.pen.rounded_rectangle((x, y, x + width, y + height), RADIUS, None, LINE, 3)
        self.text((x + width // 2, y + height // 2), message, 26, MUTED, anchor="mm")

    def text(self, at: tuple[float, float], line: str, size: int, colour: str, anchor: str = "la") -> None:
        """Write one line; ``at`` is its top left corner unless Pillow's ``anchor`` says otherwise."""
        self.pen.text(at, line, colour, font_for(line, size), anchor)


def round_corners(size: tuple[int, int]) -> Image.Image:
    """Return a mask with smooth round corners."""
    large = Image.new("L", (size[0] * 4, size[1] * 4))
    ImageDraw.Draw(large).rounded_rectangle((0, 0, large.width - 1, large.height - 1), RADIUS * 4, 255)
    return large.resize(size, Image.Resampling.LANCZOS)
