"""Bytes of an image file to an upright RGB picture, no larger than the model needs."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageOps

from udfs.runtime.images import formats
from udfs.runtime.pixels import flattened

MAX_PIXELS = 100_000_000

# The limit is checked below, before anything is decoded; Pillow's own would warn at half of it.
Image.MAX_IMAGE_PIXELS = None


def decode(data: bytes, shorter_side: int) -> Image.Image:
    """Decode an image file, upright, in RGB, reduced to ``shorter_side`` pixels if it is larger.

    Raises OSError (UnidentifiedImageError is one) if the file is no image or is cut short, and
    Image.DecompressionBombError if it has more than MAX_PIXELS.
    """
    image: Image.Image = Image.open(io.BytesIO(data), formats=formats())
    pixels = image.width * image.height
    if pixels > MAX_PIXELS:
        raise Image.DecompressionBombError(f"Image size ({pixels} pixels) exceeds limit of {MAX_PIXELS} pixels")
    # Only JPEG listens: it decodes at a half, a quarter or an eighth, which is most of the time saved.
    # Twice the size asked for leaves the last step to a proper filter.
    image.draft("RGB", (2 * shorter_side, 2 * shorter_side))
    try:
        image.load()
    except SyntaxError as error:  # how Pillow reports some broken PNG chunks
        raise OSError(str(error)) from None
    return _to_rgb(ImageOps.exif_transpose(_reduce(image, shorter_side)))


def _reduce(image: Image.Image, shorter_side: int) -> Image.Image:
    scale = shorter_side / min(image.size)
    if scale >= 1:
        return image
    if image.mode in ("1", "P", "PA"):
        image = image.convert("RGBA" if image.mode != "1" else "L")  # palette indices cannot be averaged
    size = (max(shorter_side, round(image.width * scale)), max(shorter_side, round(image.height * scale)))
    # 16-bit modes know no gap-reducing filter.
    gap = None if image.mode.startswith("I;") else 3.0
    reduced = image.resize(size, Image.Resampling.BICUBIC, reducing_gap=gap)
    reduced.info = image.info
    return reduced


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode == "F" or image.mode.startswith("I"):
        return _to_eight_bits(image).convert("RGB")
    return flattened(image.convert("RGBA") if image.has_transparency_data else image)


def _to_eight_bits(image: Image.Image) -> Image.Image:
    """Scale deep grey levels to 0..255: by the depth the values seem to have, not by their spread."""
    values = np.asarray(image, dtype=np.float32)
    top = float(values.max(initial=0.0))
    sixteen_bit = image.mode.startswith("I;16") or 255 < top <= 65535
    full = 65535.0 if sixteen_bit else 1.0 if 0 < top <= 1 else max(top, 255.0)
    return Image.fromarray(np.clip(values * (255.0 / full), 0, 255).astype(np.uint8))
