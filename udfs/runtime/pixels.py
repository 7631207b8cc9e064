"""Pixels of any mode as plain 8-bit ones, without ever holding a converted copy of a large picture."""

from __future__ import annotations

from typing import cast

from PIL import Image

# The most pixels that are converted in one piece; a larger picture is made smaller first.
WHOLE_PIXELS = 16_000_000


def to_eight_bit(image: Image.Image, at_least: tuple[int, int]) -> Image.Image:
    """Return the image as L, LA, RGB or RGBA, 8 bits a channel.

    A large one comes back smaller by a whole number, no smaller than ``at_least``: it is converted strip by strip, for
    a copy of the whole could take gigabytes.
    """
    image.load()
    extremes = _extremes(image) if image.mode[0] in "IF" else (0, 0)
    factor = min(image.width // at_least[0], image.height // at_least[1])
    if factor < 2 or image.width * image.height <= WHOLE_PIXELS:
        return _convert(image, extremes)
    rows = factor * max(1, WHOLE_PIXELS // 16 // (factor * image.width))
    strips = [
        _convert(image.crop((0, top, image.width, min(top + rows, image.height))), extremes).reduce(factor)
        for top in range(0, image.height, rows)
    ]
    whole = Image.new(strips[0].mode, (strips[0].width, sum(strip.height for strip in strips)))
    top = 0
    for strip in strips:
        whole.paste(strip, (0, top))
        top += strip.height
    return whole


def _extremes(image: Image.Image) -> tuple[float, float]:
    known = image if image.mode in ("I", "F", "I;16") else image.convert("I")
    return cast(tuple[float, float], known.getextrema())


def _convert(image: Image.Image, extremes: tuple[float, float]) -> Image.Image:
    if image.mode in ("L", "LA", "RGB", "RGBA"):
        return image
    if image.mode.startswith("I;16"):
        return _stretched(image.convert("I"), extremes)
    if image.mode in ("I", "F"):
        return _stretched(image, extremes)
    if image.mode in ("P", "PA", "La", "RGBa") or "transparency" in image.info:
        return image.convert("RGBA")
    return image.convert("L" if image.mode == "1" else "RGB")


def _stretched(image: Image.Image, extremes: tuple[float, float]) -> Image.Image:
    """Return a 32-bit or float image as L, its own range stretched to 0…255 (it declares no other)."""
    values = image.convert("F")
    # 16-bit data in a 32-bit image is what PNG gives: keep its absolute scale.
    if extremes[0] >= 0 and 255 < extremes[1] <= 65535:
        low, high = 0.0, 65535.0
    else:
        low, high = min(extremes[0], 0.0), max(extremes[1], 255.0)
    scale = 255.0 / (high - low)
    return values.point(lambda value: value * scale - low * scale).convert("L")


def flattened(image: Image.Image) -> Image.Image:
    """Return the image as RGB, over white where it is transparent."""
    if image.mode == "RGB":
        return image
    if "A" in image.getbands():
        upper = image.convert("RGBA")
        lower = Image.new("RGBA", upper.size, "white")
        return Image.alpha_composite(lower, upper).convert("RGB")
    return image.convert("RGB")
