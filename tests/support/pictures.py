"""Small pictures as files' bytes."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image


def encoded(image: Image.Image, file_format: str, **options: Any) -> bytes:
    """Return ``image`` as the bytes of a file."""
    out = io.BytesIO()
    image.save(out, file_format, **options)
    return out.getvalue()


def picture(
    width: int = 40, height: int = 20, file_format: str = "JPEG", mode: str = "RGB", color: Any = "red", **options: Any
) -> bytes:
    """Return a plain picture as the bytes of a file."""
    return encoded(Image.new(mode, (width, height), color), file_format, **options)


def decoded(content: bytes) -> Image.Image:
    """Return the picture in a file's bytes, decoded."""
    image = Image.open(io.BytesIO(content))
    image.load()
    return image
