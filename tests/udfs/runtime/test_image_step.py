"""What a photo goes through on its way to a model: reduced decoding, fitting, and formats that plugins read."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest
from PIL import Image, features

from scripts.common.paths import CHECKOUT
from udfs.runtime import images

RED, GREEN, BLUE = (255, 0, 0), (0, 160, 0), (0, 0, 255)


def stripes(width: int = 300, height: int = 100) -> Image.Image:
    """Return a picture of three upright stripes: red, green and blue."""
    made = Image.new("RGB", (width, height), GREEN)
    made.paste(RED, (0, 0, width // 3, height))
    made.paste(BLUE, (width - width // 3, 0, width, height))
    return made


def encoded(image: Image.Image, form: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def colours(content: bytes) -> list[str]:
    """Return the colours of a picture from left to right, at its middle height."""
    picture = Image.open(io.BytesIO(content)).convert("RGB")
    found = []
    for x in (2, picture.width // 2, picture.width - 3):
        pixel = picture.getpixel((x, picture.height // 2))
        assert isinstance(pixel, tuple)
        found.append("rgb"[max(range(3), key=lambda channel: pixel[channel])])
    return found


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
@pytest.mark.parametrize(
    ("fit", "size", "seen"),
    [("short_side", (192, 64), "rgb"), ("crop", (64, 64), "ggg"), ("stretch", (64, 64), "rgb")],
)
def test_a_photo_is_fitted_as_the_model_wants(form: str, fit: str, size: tuple[int, int], seen: str) -> None:
    made = images.for_model(encoded(stripes(), form), 64, "photo", fit)
    assert Image.open(io.BytesIO(made)).size == size
    assert "".join(colours(made)) == seen


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
@pytest.mark.parametrize("fit", ["short_side", "crop", "stretch"])
def test_a_photo_is_upright_however_it_was_stored(orientation: int, fit: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = {1: 0, 3: 180, 6: 90, 8: 270}[orientation]
    sideways = stripes(900, 600).rotate(stored, expand=True)
    made = images.for_model(encoded(sideways, "JPEG", exif=exif), 64, "photo", fit)
    assert "".join(colours(made)) == "rgb"


def test_a_large_jpeg_is_decoded_small() -> None:
    # Its pixels would be 72 MB.
    program = """
import io, resource, sys
from PIL import Image
from udfs.runtime import images
small = io.BytesIO()
Image.new("RGB", (64, 64), "red").save(small, "JPEG")
content = sys.stdin.buffer.read()
images.for_model(small.getvalue(), 32, "small")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
images.for_model(content, 224, "big")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    content = encoded(stripes(6000, 4000), "JPEG")
    done = subprocess.run([sys.executable, "-c", program], input=content, cwd=CHECKOUT, capture_output=True, check=True)
    assert int(done.stdout) / 1024 < 15


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow was built without AVIF")
def test_avif_is_read() -> None:
    assert colours(images.for_model(encoded(stripes(), "AVIF"), 64, "photo")) == ["r", "g", "b"]


def test_heic_is_read_where_the_plugin_is() -> None:
    plugin = pytest.importorskip("pillow_heif")
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    plugin.from_pillow(stripes(300, 200).rotate(90, expand=True)).save(out, exif=exif.tobytes())
    assert colours(images.for_model(out.getvalue(), 64, "photo")) == ["r", "g", "b"]
    assert Image.open(io.BytesIO(images.thumbnail(out.getvalue(), 60, "photo"))).size == (60, 40)
