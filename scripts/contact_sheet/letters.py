"""Text on the picture: fonts, wrapping and shortening."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from functools import cache
from math import ceil

from PIL import ImageFont

ELLIPSIS = "…"
# Tried in this order for scripts that Pillow's own font lacks; Pillow looks in the system's folders.
FALLBACKS = (
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
def default_font(size: int) -> ImageFont.FreeTypeFont:
    """Return Pillow's own font, which needs no file."""
    font = ImageFont.load_default(size=size)
    assert isinstance(font, ImageFont.FreeTypeFont), "Pillow's wheels come with FreeType"
    return font


@cache
def system_font(name: str, size: int) -> ImageFont.FreeTypeFont | None:
    """Return a font of the system, or nothing."""
    try:
        return ImageFont.truetype(name, size)
    except OSError:
        return None


def font_for(text: str, size: int) -> ImageFont.FreeTypeFont:
    """Return the font that has the letters of ``text``: Pillow's, or one of the system.

    Where no font has them all, Pillow's shows boxes; the page beside the picture shows the text.
    """
    own = default_font(size)
    if lacks(own, text) == 0:
        return own
    others = [font for name in FALLBACKS if (font := system_font(name, size))]
    return min([own, *others], key=lambda font: lacks(font, text))


def lacks(font: ImageFont.FreeTypeFont, text: str) -> int:
    """Count the letters of ``text`` that the font has no shape for."""
    return sum(not has(font, letter) for letter in set(text) if not letter.isspace())


@cache
def has(font: ImageFont.FreeTypeFont, letter: str) -> bool:
    """Tell whether the font has a shape for the letter: one unlike that of a code point never assigned."""
    return shape(font, letter) != shape(font, "\U0010ffff")


@cache
def shape(font: ImageFont.FreeTypeFont, letter: str) -> bytes:
    """Return how the font draws the letter."""
    mask = font.getmask(letter)
    return repr(mask.size).encode() + bytes(mask)


def shorten(text: str, font: ImageFont.FreeTypeFont, width: int) -> str:
    """Return ``text`` cut to ``width`` pixels, keeping its end: a file's ending and number tell most."""
    if font.getlength(text) <= width:
        return text

    def keeping(letters: int) -> str:
        tail = min(letters // 2, 8)
        return text[: letters - tail].rstrip() + ELLIPSIS + text[len(text) - tail :]

    return keeping(longest_fit(keeping, len(text) - 1, font, width))


def wrap(text: str, font: ImageFont.FreeTypeFont, width: int, lines: int) -> list[str]:
    """Return ``text`` in at most ``lines`` lines of ``width`` pixels; the last one is cut if it must."""
    wrapped: list[str] = []
    left = text
    while left and len(wrapped) < lines - 1:
        head = longest(left, font, width)
        wrapped.append(head)
        left = left[len(head) :].lstrip()
    if left:
        wrapped.append(cut_end(left, font, width))
    return wrapped


def longest(text: str, font: ImageFont.FreeTypeFont, width: int) -> str:
    """Return the start of ``text`` that fits, up to a space where there is one."""
    fitting = fitting_length(text, font, width)
    if fitting == len(text):
        return text
    space = text.rfind(" ", 1, fitting + 1)
    return text[: space if space > 0 else fitting]


def cut_end(text: str, font: ImageFont.FreeTypeFont, width: int) -> str:
    """Return ``text``, its end replaced by an ellipsis where it is too long."""
    if fitting_length(text, font, width) == len(text):
        return text
    room = width - int(font.getlength(ELLIPSIS)) - 1
    return text[: fitting_length(text, font, room)].rstrip() + ELLIPSIS


def fitting_length(text: str, font: ImageFont.FreeTypeFont, width: int) -> int:
    """Return how many letters of ``text`` fit, one at least."""
    return max(1, longest_fit(lambda letters: text[:letters], len(text), font, width))


def longest_fit(text_of: Callable[[int], str], most: int, font: ImageFont.FreeTypeFont, width: int) -> int:
    """Return for how many letters, ``most`` at most, the text still fits into ``width`` pixels."""
    # Hardly a letter is narrower than a pixel, and measuring a text of megabytes takes long.
    candidates = range(1, min(most, width) + 1)
    return bisect_right(candidates, width, key=lambda letters: ceil(font.getlength(text_of(letters))))
