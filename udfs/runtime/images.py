"""Images as bytes: what they are, resizing, base64, and making them ready for a model.

Every function takes the bytes of an encoded image file and a ``name`` for errors. Pixels are bounded
before they are decoded; EXIF orientation is applied wherever pixels are touched.
"""

from __future__ import annotations

import base64
import binascii
import importlib
import importlib.util
import io
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from . import media_types
from .errors import BAD_ARGUMENT, BAD_IMAGE, TOO_LARGE, PolarAIError
from .pixels import flattened, to_eight_bit

# About 500 MB decoded at the worst. The largest photographs of today's cameras have half as many pixels.
MAX_PIXELS = 179_000_000
MAX_SIDE = 32_767
JPEG_QUALITY = 75  # polar_ai's documented quality
THUMBNAIL_JPEG_QUALITY = 85
MAX_THUMBNAIL = 4096
MODEL_JPEG_QUALITY = 95  # what a model sees should not show the encoder
MODEL_JPEG_BYTES = 100_000  # a larger one is worth encoding again
_MIME = {"JPEG": "image/jpeg", "MPO": "image/jpeg", "PNG": "image/png", "BMP": "image/bmp"}
# Formats of photographs. Pillow's other readers stay closed: that of EPS starts a program, Ghostscript.
_FORMATS = ("JPEG", "MPO", "PNG", "BMP", "DIB", "GIF", "WEBP", "TIFF", "AVIF", "HEIF", "JPEG2000", "ICO", "PPM", "TGA")

# By EXIF's number: what makes the picture upright.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SWAPPING = [_TURNS[number] for number in (5, 6, 7, 8)]


@contextmanager
def open_image(content: bytes, name: str) -> Iterator[Image.Image]:
    """Open an image's header; decoding happens later, inside the block, under the same error handling."""
    if not content:
        raise PolarAIError(f"{name} is empty: not an image", sqlstate=BAD_IMAGE, stage="decode")
    try:
        with warnings.catch_warnings():
            # Pillow's own limit is replaced by the one below; its warnings would go to the server log.
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content), formats=formats()) as image:
                _check_size(image, name)
                yield image
    except PolarAIError:
        raise
    except UnidentifiedImageError:
        raise PolarAIError(
            f"{name} is not an image of a known format ({media_types.describe(content)})",
            sqlstate=BAD_IMAGE,
            stage="decode",
        ) from None
    except Image.DecompressionBombError:
        raise PolarAIError(f"{name} has too many pixels to decode safely", sqlstate=TOO_LARGE, stage="decode") from None
    except MemoryError:
        raise PolarAIError(f"not enough memory to decode {name}", sqlstate=TOO_LARGE, stage="decode") from None
    except Exception as error:
        # Pillow's plugins raise whatever comes to hand on a damaged file.
        reason = str(error) or type(error).__name__
        raise PolarAIError(f"{name} is a damaged image: {reason}", sqlstate=BAD_IMAGE, stage="decode") from None


def resize(content: bytes, width: int, height: int, name: str = "the image") -> bytes:
    """Return the image in the same format at ``width`` × ``height`` pixels.

    One of them ≤ 0 keeps the proportions. JPEG, PNG and BMP stay what they are; other formats become
    PNG where they have transparency and JPEG (quality 75) where they have none.
    """
    if width <= 0 and height <= 0:
        raise PolarAIError(
            "cannot resize an image to no width and no height",
            sqlstate=BAD_ARGUMENT,
            hint="Give a width or a height above 0; the other one may be 0 to keep the proportions.",
            stage="decode",
        )
    if max(width, height) > MAX_SIDE or max(width, 1) * max(height, 1) > MAX_PIXELS:
        raise PolarAIError(f"cannot resize to {width} × {height}: too large", sqlstate=TOO_LARGE, stage="decode")
    with open_image(content, name) as image:
        turn = _turn(image)
        full_width, full_height = image.size[::-1] if turn in _SWAPPING else image.size
        if width <= 0:
            width = max(1, round(full_width * height / full_height))
        elif height <= 0:
            height = max(1, round(full_height * width / full_width))
        if max(width, height) > MAX_SIDE:
            raise PolarAIError(
                f"cannot resize {name} to {width} × {height}: too large", sqlstate=TOO_LARGE, stage="decode"
            )
        if image.format == "JPEG":
            # Decodes at a fraction of the size where the target is that small; orientation may swap sides.
            side = max(width, height)
            image.draft(None, (side, side))
        least = (2 * height, 2 * width) if turn in _SWAPPING else (2 * width, 2 * height)
        picture = _turned(to_eight_bit(image, at_least=least), turn).resize((width, height), Image.Resampling.BICUBIC)
        transparent = "A" in picture.getbands()
        target = image.format if image.format in ("JPEG", "PNG", "BMP") else ("PNG" if transparent else "JPEG")
        if transparent and target != "PNG":
            picture = flattened(picture)
        return _encoded(picture, target or "PNG", JPEG_QUALITY)


def as_base64(content: bytes, mime_type: bool = True, name: str = "the image") -> str:
    """Return the image's bytes, unchanged, in base64: ``data:image/jpeg;base64,…``, or bare."""
    with open_image(content, name) as image:
        mime = _MIME.get(image.format or "") or Image.MIME.get(image.format or "", "application/octet-stream")
    encoded = base64.b64encode(content).decode("ascii")
    return f"data:{mime};base64,{encoded}" if mime_type else encoded


def from_base64(text: str) -> bytes:
    """Return the bytes of a ``data:image/…;base64,…`` URL, or of bare base64; white space is skipped."""
    head, comma, payload = text.partition(",")
    if text[:5].lower() == "data:":
        if not comma or not head.lower().endswith(";base64"):
            raise PolarAIError(
                "the image is not base64: a data URL has to read data:image/…;base64,…",
                sqlstate=BAD_IMAGE,
                stage="decode",
            )
    else:
        payload = text
    try:
        return base64.b64decode("".join(payload.split()), validate=True)
    except (binascii.Error, ValueError):
        raise PolarAIError("the image is not valid base64", sqlstate=BAD_IMAGE, stage="decode") from None


def thumbnail(content: bytes, size: int, name: str) -> bytes:
    """Return the image upright, in plain RGB, its longer side ``size`` pixels at the most, as JPEG."""
    if not 1 <= size <= MAX_THUMBNAIL:
        raise PolarAIError(
            f"cannot make a thumbnail of {size} pixels: from 1 to {MAX_THUMBNAIL} is possible",
            sqlstate=BAD_ARGUMENT,
            stage="decode",
        )
    with open_image(content, name) as image:
        picture = _upright(image, size)
        picture.thumbnail((size, size), Image.Resampling.BICUBIC)
        return _encoded(picture, "JPEG", THUMBNAIL_JPEG_QUALITY)


def for_model(content: bytes, short_side: int, name: str, fit: str = "short_side") -> bytes:
    """Return the image upright, in plain RGB, reduced to what a model wants, as JPEG.

    ``fit`` 'short_side': its short side about ``short_side`` pixels. The service scales, crops and normalises; what
    it is spared is size. So a short side of up to half as much again stays, and a small JPEG that is fit as it is
    goes as it is. A picture never grows, and one of extreme proportions is cut to its middle, for a model sees only
    a square of it. 'crop': the centre, a square of ``short_side`` pixels. 'stretch': all of it in such a square.
    """
    enough = short_side + short_side // 2
    with open_image(content, name) as image:
        if fit != "short_side":
            return _squared(image, short_side, fit)
        if image.format == "JPEG":
            if _is_fit(image, content, enough):
                return content
            # At a fraction of the size, no smaller than is needed: much of the work of decoding is saved.
            image.draft("RGB", (short_side, short_side))
        turn = _turn(image)
        picture = _middle(image, 3 * min(image.size))
        picture = to_eight_bit(picture, at_least=(2 * short_side, 2 * short_side))
        picture = flattened(_turned(picture, turn))
        if min(picture.size) > enough:
            scale = short_side / min(picture.size)
            size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
            picture = picture.resize(size, Image.Resampling.BICUBIC)
        return _encoded(picture, "JPEG", MODEL_JPEG_QUALITY)


def _squared(image: Image.Image, side: int, fit: str) -> bytes:
    picture = _upright(image, side)
    if fit == "crop":
        picture = ImageOps.fit(picture, (side, side), Image.Resampling.BICUBIC)
    else:
        picture = picture.resize((side, side), Image.Resampling.BICUBIC)
    return _encoded(picture, "JPEG", MODEL_JPEG_QUALITY)


def _upright(image: Image.Image, side: int) -> Image.Image:
    """Return the image upright and in plain RGB, decoded no larger than a square of ``side`` pixels asks for."""
    if image.format == "JPEG":
        image.draft("RGB", (side, side))
    turn = _turn(image)
    image.load()
    return flattened(_turned(to_eight_bit(image, at_least=(2 * side, 2 * side)), turn))


@cache
def formats() -> list[str]:
    """Return those of _FORMATS that this Pillow was built with, or that a plugin reads: pillow-heif, where it is."""
    Image.init()
    if "HEIF" not in Image.OPEN and importlib.util.find_spec("pillow_heif"):
        importlib.import_module("pillow_heif").register_heif_opener()
    return [name for name in _FORMATS if name in Image.OPEN]


def _is_fit(image: Image.Image, content: bytes, short_side: int) -> bool:
    """Tell whether a JPEG may go to the model as it is: small, upright, RGB or grey, and with an end."""
    return (
        image.mode in ("RGB", "L")
        and min(image.size) <= short_side
        and max(image.size) <= 3 * min(image.size)
        and len(content) <= MODEL_JPEG_BYTES
        and content.rstrip(b"\0").endswith(b"\xff\xd9")
        and image.getexif().get(ExifTags.Base.Orientation, 1) == 1
    )


def example() -> bytes:
    """Return a small picture, to try a model with."""
    return _encoded(Image.linear_gradient("L").convert("RGB").resize((64, 64)), "JPEG", MODEL_JPEG_QUALITY)


def _check_size(image: Image.Image, name: str) -> None:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise PolarAIError(
            f"{name} has {width} × {height} pixels; the limit is {MAX_PIXELS // 1_000_000} million",
            sqlstate=TOO_LARGE,
            stage="decode",
        )


def _turn(image: Image.Image) -> Image.Transpose | None:
    """Return how EXIF says that the image has to be turned to stand upright."""
    return _TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))


def _turned(image: Image.Image, turn: Image.Transpose | None) -> Image.Image:
    return image if turn is None else image.transpose(turn)


def _middle(image: Image.Image, longest: int) -> Image.Image:
    """Return the image, decoded; of one with a side above ``longest``, its middle."""
    image.load()
    width, height = min(image.width, longest), min(image.height, longest)
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return image if (width, height) == image.size else image.crop((left, top, left + width, top + height))


def _encoded(image: Image.Image, target: str, quality: int) -> bytes:
    options = {"quality": quality} if target == "JPEG" else {}
    if not hasattr(os, "memfd_create"):
        out = io.BytesIO()
        image.save(out, target, **options)
        return out.getvalue()
    # Into a file that lies in memory: to a descriptor, Pillow encodes without the interpreter's lock.
    with io.FileIO(os.memfd_create("image"), "w+") as file:
        image.save(file, target, **options)
        return os.pread(file.fileno(), file.tell(), 0)
