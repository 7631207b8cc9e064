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
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from .errors import BAD_ARGUMENT, BAD_IMAGE, TOO_LARGE, PolarAIError

# About 500 MB decoded at the worst. The largest photographs of today's cameras have half as many pixels.
MAX_PIXELS = 179_000_000
MAX_SIDE = 32_767
JPEG_QUALITY = 75  # polar_ai's documented quality
THUMBNAIL_JPEG_QUALITY = 85
MAX_THUMBNAIL = 4096
MODEL_JPEG_QUALITY = 95  # what a model sees should not show the encoder
# An animation's or a document's further pages are never decoded.
_MIME = {"JPEG": "image/jpeg", "MPO": "image/jpeg", "PNG": "image/png", "BMP": "image/bmp"}
# What photographs come in. Pillow's other readers stay closed: that of EPS starts a program, Ghostscript.
_FORMATS = ("JPEG", "MPO", "PNG", "BMP", "DIB", "GIF", "WEBP", "TIFF", "AVIF", "HEIF", "JPEG2000", "ICO", "PPM", "TGA")


@contextmanager
def opened(content: bytes, name: str) -> Iterator[Image.Image]:
    """Open an image's header; decoding happens later, inside the block, under the same error handling."""
    if not content:
        raise PolarAIError(f"{name} is empty: not an image", sqlstate=BAD_IMAGE, stage="decode")
    try:
        with warnings.catch_warnings():
            # Pillow's own limit is replaced by the one below; its warnings would go to the server log.
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content), formats=_formats()) as image:
                _check_size(image, name)
                yield image
    except PolarAIError:
        raise
    except UnidentifiedImageError:
        raise PolarAIError(
            f"{name} is not an image of a known format ({_looks_like(content)})",
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
    with opened(content, name) as image:
        full_width, full_height = image.size if not _on_its_side(image) else image.size[::-1]
        if image.format == "JPEG":
            # Decodes at a fraction of the size where the target is that small; orientation may swap sides.
            side = max(width, height)
            image.draft(None, (side, side))
        picture = _eight_bit(_oriented(image))
        if width <= 0:
            width = max(1, round(full_width * height / full_height))
        elif height <= 0:
            height = max(1, round(full_height * width / full_width))
        if max(width, height) > MAX_SIDE:
            raise PolarAIError(
                f"cannot resize {name} to {width} × {height}: too large", sqlstate=TOO_LARGE, stage="decode"
            )
        picture = picture.resize((width, height), Image.Resampling.BICUBIC)
        transparent = "A" in picture.getbands()
        target = image.format if image.format in ("JPEG", "PNG", "BMP") else ("PNG" if transparent else "JPEG")
        if transparent and target != "PNG":
            picture = _flattened(picture)
        return _encoded(picture, target or "PNG", JPEG_QUALITY)


def as_base64(content: bytes, mime_type: bool = True, name: str = "the image") -> str:
    """Return the image's bytes, unchanged, in base64: ``data:image/jpeg;base64,…``, or bare."""
    with opened(content, name) as image:
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
    with opened(content, name) as image:
        if image.format == "JPEG":
            image.draft("RGB", (size * 2, size * 2))
        picture = _flattened(_eight_bit(_oriented(image)))
        picture.thumbnail((size, size), Image.Resampling.BICUBIC)
        return _encoded(picture, "JPEG", THUMBNAIL_JPEG_QUALITY)


def for_model(content: bytes, short_side: int, name: str, fit: str = "short_side") -> bytes:
    """Return the image upright, in plain RGB, reduced to what a model wants, as JPEG.

    ``fit`` 'short_side': its short side ``short_side`` pixels, for a service that crops the centre itself; a
    picture never grows, and one of extreme proportions is cut to its middle, for a model sees only a square of it.
    'crop': the centre, a square of ``short_side`` pixels. 'stretch': the whole in that square, proportions or not.
    """
    with opened(content, name) as image:
        if fit != "short_side":
            return _squared(image, short_side, fit)
        if image.format == "JPEG":
            image.draft("RGB", (short_side * 2, short_side * 2))
        picture = _flattened(_eight_bit(_oriented(image)))
        longest = 3 * min(picture.size)
        if max(picture.size) > longest:
            picture = ImageOps.fit(picture, (min(picture.width, longest), min(picture.height, longest)))
        scale = short_side / min(picture.size)
        if scale < 1:
            size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
            picture = picture.resize(size, Image.Resampling.BICUBIC)
        return _encoded(picture, "JPEG", MODEL_JPEG_QUALITY)


def _squared(image: Image.Image, side: int, fit: str) -> bytes:
    if image.format == "JPEG":
        image.draft("RGB", (side * 2, side * 2))
    picture = _flattened(_eight_bit(_oriented(image)))
    if fit == "crop":
        picture = ImageOps.fit(picture, (side, side), Image.Resampling.BICUBIC)
    else:
        picture = picture.resize((side, side), Image.Resampling.BICUBIC)
    return _encoded(picture, "JPEG", MODEL_JPEG_QUALITY)


def _formats() -> list[str]:
    """Return those of _FORMATS that this Pillow was built with, or that a plugin reads: pillow-heif, where it is."""
    Image.init()
    if "HEIF" not in Image.OPEN and importlib.util.find_spec("pillow_heif"):
        importlib.import_module("pillow_heif").register_heif_opener()
    return [name for name in _FORMATS if name in Image.OPEN]


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


def _on_its_side(image: Image.Image) -> bool:
    """Tell whether EXIF orientation will swap the image's sides."""
    return image.getexif().get(ExifTags.Base.Orientation) in (5, 6, 7, 8)


def _oriented(image: Image.Image) -> Image.Image:
    image.load()
    return ImageOps.exif_transpose(image)


def _eight_bit(image: Image.Image) -> Image.Image:
    """Return the image as L, LA, RGB or RGBA, 8 bits a channel."""
    if image.mode in ("L", "LA", "RGB", "RGBA"):
        return image
    if image.mode.startswith("I;16"):
        return _stretched(image.convert("I"))
    if image.mode in ("I", "F"):
        return _stretched(image)
    if image.mode in ("P", "PA", "La", "RGBa") or "transparency" in image.info:
        return image.convert("RGBA")
    return image.convert("L" if image.mode == "1" else "RGB")


def _stretched(image: Image.Image) -> Image.Image:
    """Return a 32-bit or float image as L, its own range stretched to 0…255 (it declares no other)."""
    values = image.convert("F")
    extremes = cast(tuple[float, float], values.getextrema())
    # 16-bit data in a 32-bit image is what PNG gives: keep its absolute scale.
    if extremes[0] >= 0 and 255 < extremes[1] <= 65535:
        low, high = 0.0, 65535.0
    else:
        low, high = min(extremes[0], 0.0), max(extremes[1], 255.0)
    scale = 255.0 / (high - low)
    return values.point(lambda value: value * scale - low * scale).convert("L")


def _flattened(image: Image.Image) -> Image.Image:
    """Return the image as RGB, over white where it is transparent."""
    if image.mode == "RGB":
        return image
    if "A" in image.getbands():
        upper = image.convert("RGBA")
        lower = Image.new("RGBA", upper.size, "white")
        return Image.alpha_composite(lower, upper).convert("RGB")
    return image.convert("RGB")


def _encoded(image: Image.Image, target: str, quality: int) -> bytes:
    out = io.BytesIO()
    image.save(out, target, **({"quality": quality} if target == "JPEG" else {}))
    return out.getvalue()


def _looks_like(content: bytes) -> str:
    head = content[:16]
    if head[4:8] == b"ftyp" and head[8:12] in _HEIF_BRANDS:
        return "it is HEIC or AVIF, which this server's Pillow cannot read; the package pillow-heif adds HEIC"
    # MPEG streams, transport streams and FLV have no container's name in them.
    film = head[:4] in (b"\x1aE\xdf\xa3", b"\0\0\1\xba", b"\0\0\1\xb3") or head[:3] == b"FLV"
    if head[4:8] in (b"ftyp", b"moov") or film or (head[:4] == b"RIFF" and content[8:12] == b"AVI "):
        return _A_SOUND if head[8:12] in (b"M4A ", b"M4B ") else "it looks like a video: only pictures are read"
    sound = head[:3] == b"ID3" or head[:4] in (b"OggS", b"fLaC") or head[:2] in (b"\xff\xfb", b"\xff\xf3", b"\xff\xf1")
    if sound or (head[:4] == b"RIFF" and content[8:12] == b"WAVE"):
        return _A_SOUND
    if head[:5] == b"%PDF-":
        return "it looks like a PDF"
    if content[:200].lstrip().lower().startswith((b"<!doctype html", b"<html", b"<?xml", b"<svg")):
        return "it looks like a web page or XML"
    return "its first bytes are " + head[:8].hex(" ")


_A_SOUND = "it looks like audio: only pictures are read"
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1", b"avif", b"avis")
