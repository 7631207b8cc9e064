"""Photos from anywhere and of any kind, as small upright RGB pictures."""

from __future__ import annotations

import base64
import contextlib
import io
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import requests
from PIL import Image, ImageOps

from udfs.runtime import images
from udfs.runtime.errors import TOO_LARGE, PolarAIError

TIMEOUT_SECONDS = 10
MAX_BYTES = 20 * 1024 * 1024
LARGEST_SIDE = 960
# More than this is not cropped to a tile, as too little of the photo would be left.
WIDEST_CROP = 2.2
PAPER = (231, 229, 228)

Loaded = Image.Image | str
"""A photo, or why there is none, in a few words."""


class PhotoError(Exception):
    """A photo cannot be shown, for a reason that fits on a tile."""


def load_all(paths: Iterable[str]) -> dict[str, Loaded]:
    """Load every photo once, several at a time."""
    unique = list(dict.fromkeys(paths))
    with ThreadPoolExecutor(max_workers=8) as pool:
        return dict(zip(unique, pool.map(load, unique), strict=True))


def load(path: str) -> Loaded:
    """Load one photo, small and upright; or return why it cannot be shown."""
    try:
        return decode(read(path))
    except PhotoError as error:
        return str(error)
    except (OSError, ValueError):
        return "Cannot be read"


def read(path: str) -> bytes:
    """Return the bytes at a local path, a file:// or an http(s):// URL."""
    scheme = urlsplit(path).scheme.lower() if "://" in path else ""
    if scheme in ("http", "https"):
        return download(path)
    if scheme not in ("", "file"):
        raise PhotoError(f"{scheme}:// is not shown here")
    local = Path(url2pathname(urlsplit(path).path) if scheme else path)
    if not local.exists():
        raise PhotoError("File not found")
    if not local.is_file():
        raise PhotoError("Not a file")
    return local.read_bytes()


def download(url: str) -> bytes:
    """Download a photo, within limits of time and size."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    body = bytearray()
    try:
        with requests.get(url, stream=True, timeout=TIMEOUT_SECONDS) as response:
            if not response.ok:
                raise PhotoError(f"HTTP {response.status_code}")
            for chunk in response.iter_content(64 * 1024):
                body += chunk
                if len(body) > MAX_BYTES:
                    raise PhotoError(f"Larger than {MAX_BYTES // 1024 // 1024} MB")
                if time.monotonic() > deadline:
                    raise PhotoError("Download too slow")
    except requests.Timeout as error:
        raise PhotoError("Download too slow") from error
    except requests.RequestException as error:
        raise PhotoError("Download failed") from error
    return bytes(body)


def decode(content: bytes) -> Image.Image:
    """Decode a photo into a small upright RGB picture without metadata.

    Raises:
        PhotoError: it is none, or damaged, or too large.
    """
    try:
        with images.open_image(content, "the photo") as image:
            image.thumbnail((LARGEST_SIDE, LARGEST_SIDE), reducing_gap=2.0)
            # Broken metadata leaves the photo as it lies.
            with contextlib.suppress(Exception):
                ImageOps.exif_transpose(image, in_place=True)
            picture = flat(image)
    except PolarAIError as error:
        if error.sqlstate == TOO_LARGE:
            raise PhotoError("Too many pixels") from error
        raise PhotoError("Damaged photo" if "damaged" in str(error) else "Not a photo") from error
    picture.info.clear()
    return picture


def flat(image: Image.Image) -> Image.Image:
    """Return the picture as RGB: transparent parts on paper, deep greys stretched to what a screen shows."""
    if image.mode.startswith(("I", "F")):
        grey = image.convert("F")
        low, high = grey.getextrema()
        assert isinstance(low, float) and isinstance(high, float)
        scale = 255.0 / ((high - low) or 1.0)
        return grey.point(lambda value: value * scale + -low * scale).convert("L").convert("RGB")
    if image.has_transparency_data:
        with_alpha = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, (*PAPER, 255)), with_alpha).convert("RGB")
    return image.convert("RGB")


def scaled(photo: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Return the photo filling ``size``, cropped at the centre; a very wide or tall one whole inside it."""
    shape = (photo.width / photo.height) / (size[0] / size[1])
    if 1 / WIDEST_CROP <= shape <= WIDEST_CROP:
        return ImageOps.fit(photo, size)
    factor = min(size[0] / photo.width, size[1] / photo.height)
    # Keep a line of pixels, which ImageOps.contain would reduce to nothing.
    return photo.resize((max(1, round(photo.width * factor)), max(1, round(photo.height * factor))))


def data_url(photo: Image.Image, quality: int) -> str:
    """Return a data URL that carries the photo itself, as JPEG."""
    jpeg = io.BytesIO()
    photo.save(jpeg, "JPEG", quality=quality, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(jpeg.getvalue()).decode("ascii")
