"""Any picture file becomes an upright RGB picture of the size needed."""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, UnidentifiedImageError

from scripts.programs.clip_service.pictures import decode
from tests.support.drawings import DRAWINGS, encoded, png


def test_exif_orientation_is_applied() -> None:
    image = Image.new("RGB", (80, 40), "blue")
    image.paste("red", (0, 0, 40, 40))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise: left becomes top
    upright = decode(encoded(image, "JPEG", exif=exif, quality=95), 20)
    assert upright.size == (20, 40)
    red, _, blue = np.asarray(upright)[5, 10]
    assert red > 200 > 60 > blue


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparency_shows_white_paper(mode: str) -> None:
    image = Image.new("RGBA", (30, 30), (255, 0, 0, 0))
    data = encoded(image.convert(mode), "PNG", **({"transparency": 0} if mode == "P" else {}))
    assert decode(data, 10).getpixel((5, 5)) == (255, 255, 255)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.full((8, 8), 32768, np.uint16), 127),
        (np.full((8, 8), 200, np.uint16), 1),
        (np.full((8, 8), 0.5, np.float32), 127),
    ],
    ids=["16-bit", "dark 16-bit", "float"],
)
def test_deep_grey_keeps_its_brightness(values: npt.NDArray[np.generic], expected: int) -> None:
    data = encoded(Image.fromarray(values), "TIFF")
    grey = decode(data, 4).getpixel((1, 1))
    assert isinstance(grey, tuple)
    assert grey == pytest.approx((expected,) * 3, abs=2)


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "RGB", "I;16", "LAB"])
def test_every_mode_becomes_rgb(mode: str) -> None:
    source = DRAWINGS["clock"]()
    image = Image.new("I;16", (300, 300), 500) if mode == "I;16" else source.convert("RGB" if mode == "LAB" else mode)
    assert decode(encoded(image, "TIFF"), 100).mode == "RGB"


def test_jpeg_drafted_is_nearly_the_one_decoded_whole() -> None:
    image = DRAWINGS["traffic_light"]().resize((3000, 3000), Image.Resampling.BICUBIC)
    data = encoded(image, "JPEG", quality=95)
    drafted = np.asarray(decode(data, 100), dtype=float)
    whole = np.asarray(Image.open(io.BytesIO(data)).resize((100, 100), Image.Resampling.BICUBIC), dtype=float)
    assert np.abs(drafted - whole).mean() < 2


@pytest.mark.parametrize("size", [(1, 1), (3000, 1), (1, 3000), (50, 40), (2000, 500)])
def test_shorter_side_is_at_most_what_is_asked_for(size: tuple[int, int]) -> None:
    decoded = decode(png(Image.new("RGB", size, "green")), 64)
    assert min(decoded.size) == min(64, *size)


def test_formats_that_start_programs_are_unknown() -> None:
    """Pillow hands an EPS file to Ghostscript."""
    with pytest.raises(UnidentifiedImageError):
        decode(encoded(Image.new("RGB", (8, 8)), "EPS"), 4)


def test_broken_file_is_an_oserror() -> None:
    data = bytearray(png(DRAWINGS["clock"]()))
    data[60:90] = bytes(30)
    with pytest.raises(OSError, match=r"."):
        decode(bytes(data), 100)
