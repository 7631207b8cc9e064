"""Text on a picture: fonts, wrapping and shortening."""

from __future__ import annotations

import contextlib
import textwrap
from bisect import bisect_left
from collections.abc import Callable
from functools import cache

from PIL import ImageFont

Font = ImageFont.FreeTypeFont
ELLIPSIS = "…"
# Fonts of the system for scripts that Pillow's own font lacks.
SYSTEM_FONTS = (
    "DejaVuSans.ttf",
    "NotoSansCJK-Regular.ttc",
    "wqy-zenhei.ttc",
    "PingFang.ttc",
    "Hiragino Sans GB.ttc",
    "Arial Unicode.ttf",
    "msyh.ttc",
)


@cache
def fonts(size: int) -> list[Font]:
    """Return Pillow's own font, which needs no file, and those of SYSTEM_FONTS that are installed."""
    own = ImageFont.load_default(size)
    assert isinstance(own, Font), "Pillow's wheels come with FreeType"
    found = [own]
    for name in SYSTEM_FONTS:
        with contextlib.suppress(OSError):
            found.append(ImageFont.truetype(name, size))
    return found


@cache
def font_for(text: str, size: int) -> Font:
    """Return the first font that lacks the fewest letters; the page beside the picture shows what it lacks."""

    def missing(font: Font) -> int:
        # A letter without a shape is drawn like a code point that is never assigned.
        box = bytes(font.getmask("\U0010ffff"))
        return sum(bytes(font.getmask(letter)) == box for letter in set(text) if not letter.isspace())

    return min(fonts(size), key=missing)


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
