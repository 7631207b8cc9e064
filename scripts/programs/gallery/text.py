"""Text on a picture: fonts, wrapping and shortening."""

from __future__ import annotations

import textwrap
from bisect import bisect_left
from collections.abc import Callable
from functools import cache

from PIL import ImageFont

Font = ImageFont.FreeTypeFont
ELLIPSIS = "…"
# Tried in this order for scripts that Pillow's own font lacks; Pillow looks in the system's folders.
SYSTEM_FONTS = (
    "DejaVuSans.ttf",
    "NotoSansCJK-Regular.ttc",
    "NotoSansCJKsc-Regular.otf",
    "wqy-zenhei.ttc",
    "DroidSansFallbackFull.ttf",
    "PingFang.ttc",
    "Hiragino Sans GB.ttc",
    "Arial Unicode.ttf",
    "msyh.ttc",
    "arialuni.ttf",
)


@cache
def default_font(size: int) -> Font:
    """Return Pillow's own font, which needs no file."""
    font = ImageFont.load_default(size=size)
    assert isinstance(font, Font), "Pillow's wheels come with FreeType"
    return font


@cache
def system_font(name: str, size: int) -> Font | None:
    """Return a font of the system, or None."""
    try:
        return ImageFont.truetype(name, size)
    except OSError:
        return None


@cache
def font_for(text: str, size: int) -> Font:
    """Return the font that lacks the fewest letters of ``text``, Pillow's own first.

    A letter that no font has becomes a box; the page beside the picture shows it.
    """
    own = default_font(size)
    if not missing_letters(own, text):
        return own
    others = [font for name in SYSTEM_FONTS if (font := system_font(name, size))]
    return min([own, *others], key=lambda font: missing_letters(font, text))


def missing_letters(font: Font, text: str) -> int:
    """Count the letters that the font draws like a code point that is never assigned."""
    box = bytes(font.getmask("\U0010ffff"))
    return sum(bytes(font.getmask(letter)) == box for letter in set(text) if not letter.isspace())


def shorten(text: str, font: Font, width: int) -> str:
    """Return ``text`` within ``width`` pixels, cut in its middle: a file's number and ending tell most."""

    def keep(letters: int) -> str:
        tail = min(letters // 2, 8)
        return text[: letters - tail].rstrip() + ELLIPSIS + text[len(text) - tail :]

    if len(text) <= width and font.getlength(text) <= width:
        return text
    return keep(largest(min(len(text) - 1, width), lambda letters: font.getlength(keep(letters)) <= width))


def wrap(text: str, font: Font, width: int, lines: int) -> list[str]:
    """Return ``text`` in at most ``lines`` lines of ``width`` pixels; the last one ends in an ellipsis if it must."""

    def broken(columns: int) -> list[str]:
        # The rest of the text makes no difference, and a text of megabytes takes long.
        wrapped = textwrap.wrap(text[: (columns + 1) * lines + 1], columns)
        if len(wrapped) > lines:
            wrapped[lines - 1 :] = [wrapped[lines - 1][: columns - 1].rstrip() + ELLIPSIS]
        return wrapped

    def fits(columns: int) -> bool:
        return all(font.getlength(line) <= width for line in broken(columns))

    return broken(largest(min(len(text), width), fits))


def largest(most: int, fits: Callable[[int], bool]) -> int:
    """Return the largest number from 1 to ``most`` that fits; 1 even if it does not."""
    return 1 + bisect_left(range(2, most + 1), True, key=lambda number: not fits(number))
