from __future__ import annotations

import base64
import random
import struct
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from PIL import ExifTags, Image

from tests.support.pictures import decoded, encoded, picture
from udfs.runtime import images
from udfs.runtime.errors import PolarAIError


def png_header(width: int, height: int) -> bytes:
    """Return the start of a PNG file that claims to have width × height pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    return b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", 1000) + b"IDAT"


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "BMP"])
def test_resizing_keeps_the_format_and_gives_the_size_asked_for(file_format: str) -> None:
    resized = decoded(images.resize(picture(file_format=file_format), 30, 30))

    assert (resized.format, resized.size) == (file_format, (30, 30))
    red, green, blue = resized.convert("RGB").getpixel((15, 15))  # type: ignore[misc]
    assert red > 240 and green < 15 and blue < 15


@pytest.mark.parametrize(("width", "height", "size"), [(20, 0, (20, 10)), (0, 5, (10, 5)), (-1, 40, (80, 40))])
def test_no_width_or_no_height_keeps_the_proportions(width: int, height: int, size: tuple[int, int]) -> None:
    assert decoded(images.resize(picture(40, 20), width, height)).size == size


def test_proportions_are_those_of_the_full_size_picture() -> None:
    # JPEG decodes at a fraction of its size, whose sides are rounded.
    dice = random.Random(1)
    for _ in range(60):
        width, height, target = dice.randint(20, 900), dice.randint(20, 900), dice.randint(5, 60)
        resized = decoded(images.resize(picture(width, height), 0, target))
        assert resized.size == (max(1, round(width * target / height)), target)


def on_its_side(file_format: str = "JPEG") -> bytes:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    return picture(40, 20, file_format, exif=exif)


@pytest.mark.parametrize("file_format", ["JPEG", "PNG"])
def test_a_picture_on_its_side_is_set_upright(file_format: str) -> None:
    assert decoded(images.resize(on_its_side(file_format), 0, 40)).size == (20, 40)
    assert decoded(images.for_model(on_its_side(file_format), 20, "x")).size == (20, 40)


@pytest.mark.parametrize(
    ("file_format", "mode", "becomes"),
    [("GIF", "RGB", "PNG"), ("TIFF", "RGB", "JPEG"), ("WEBP", "RGB", "JPEG"), ("WEBP", "RGBA", "PNG")],
)
def test_other_formats_become_jpeg_or_with_transparency_png(file_format: str, mode: str, becomes: str) -> None:
    color = (255, 0, 0, 128) if mode == "RGBA" else "red"
    assert decoded(images.resize(picture(file_format=file_format, mode=mode, color=color), 8, 8)).format == becomes


@pytest.mark.parametrize(
    ("mode", "file_format", "color", "gray"),
    [
        ("I;16", "PNG", 40_000, 155),
        ("I;16B", "TIFF", 40_000, 155),
        ("I", "TIFF", 40_000, 155),
        ("F", "TIFF", 100.0, 100),
        ("1", "PNG", 1, 255),
        ("L", "PNG", 100, 100),
        ("CMYK", "JPEG", (0, 0, 0, 155), 100),
    ],
)
@pytest.mark.parametrize("reduce", [lambda b: images.resize(b, 8, 8), lambda b: images.for_model(b, 8, "x")])
def test_unusual_pixels_keep_their_brightness(
    mode: str, file_format: str, color: Any, gray: int, reduce: Callable[[bytes], bytes]
) -> None:
    resized = decoded(reduce(picture(mode=mode, file_format=file_format, color=color)))

    assert resized.mode in ("L", "RGB")
    assert abs(resized.convert("L").getpixel((4, 4)) - gray) <= 3  # type: ignore[operator]


def test_resizing_to_no_width_and_no_height_says_what_to_give() -> None:
    with pytest.raises(PolarAIError) as error:
        images.resize(picture(), 0, 0)
    assert error.value.sqlstate == "22023"
    assert "above 0" in str(error.value.hint)


@pytest.mark.parametrize(("width", "height"), [(40_000, 10), (20_000, 20_000), (2**31 - 1, 0), (0, 30_000)])
def test_absurd_targets_are_refused(width: int, height: int) -> None:
    with pytest.raises(PolarAIError) as error:
        images.resize(picture(1000, 20), width, height)
    assert error.value.sqlstate == "54000"


@pytest.mark.parametrize("size", [(14_000, 14_000), (60_000, 60_000), (2**30, 1)])
@pytest.mark.parametrize("work", [lambda b: images.resize(b, 8, 8), images.as_base64])
def test_a_decompression_bomb_is_refused_before_it_is_decoded(
    size: tuple[int, int], work: Callable[[bytes], Any]
) -> None:
    with pytest.raises(PolarAIError) as error:
        work(png_header(*size))
    assert error.value.sqlstate == "54000"


GARBAGE = {
    "empty": (b"", "is empty"),
    "text": (b"hello, world", "first bytes are 68 65 6c 6c 6f"),
    "web page": (b"<!DOCTYPE html><html>404</html>", "web page"),
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "web page or XML"),
    "video": (b"\0\0\0\x18ftypmp42" + b"\0" * 50, "video"),
    "audio": (b"ID3\x04" + b"\0" * 50, "audio"),
    "pdf": (b"%PDF-1.7\n", "PDF"),
}


@pytest.mark.parametrize(("content", "said"), GARBAGE.values(), ids=GARBAGE)
@pytest.mark.parametrize(
    "work", [lambda b: images.resize(b, 8, 8), images.as_base64, lambda b: images.for_model(b, 8, "the image")]
)
def test_what_is_not_an_image_is_named(content: bytes, said: str, work: Callable[[bytes], Any]) -> None:
    with pytest.raises(PolarAIError, match=said) as error:
        work(content)
    assert (error.value.sqlstate, error.value.scope) == ("22P03", "item")


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "GIF", "WEBP", "TIFF"])
def test_damaged_files_are_errors_of_the_item_and_never_a_picture(file_format: str) -> None:
    noise = Image.frombytes("RGB", (64, 64), random.Random(2).randbytes(64 * 64 * 3))
    whole = encoded(noise, file_format)
    for cut in (len(whole) // 2, len(whole) * 3 // 4):
        with pytest.raises(PolarAIError) as error:
            images.for_model(whole[:cut], 32, "the image")
        assert (error.value.sqlstate, error.value.scope) == ("22P03", "item")


def test_mutated_files_end_as_a_picture_or_as_a_known_error() -> None:
    dice = random.Random(3)
    for file_format in ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP"):
        whole = picture(file_format=file_format)
        for _ in range(40):
            mutated = bytearray(whole)
            for _ in range(4):
                mutated[dice.randrange(len(mutated))] = dice.randrange(256)
            try:
                assert images.for_model(bytes(mutated), 8, "x")
            except PolarAIError as error:
                assert error.sqlstate in ("22P03", "54000")


def test_postscript_is_not_an_image_for_its_reader_starts_a_program() -> None:
    with pytest.raises(PolarAIError, match="not an image of a known format"):
        images.resize(picture(file_format="EPS"), 8, 8)


@pytest.mark.parametrize(
    ("file_format", "mime"),
    [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("BMP", "image/bmp"), ("GIF", "image/gif"), ("MPO", "image/jpeg")],
)
def test_base64_carries_the_mime_type_and_the_bytes_unchanged(file_format: str, mime: str) -> None:
    options = {"save_all": True, "append_images": [Image.new("RGB", (8, 8))]} if file_format == "MPO" else {}
    content = picture(file_format=file_format, **options)

    assert images.as_base64(content) == f"data:{mime};base64,{base64.b64encode(content).decode()}"
    assert images.as_base64(content, mime_type=False) == base64.b64encode(content).decode()


@pytest.mark.parametrize("head", ["data:image/png;base64,", "", "DATA:image/png;BASE64,"])
def test_base64_is_read_with_its_prefix_and_without(head: str) -> None:
    assert images.from_base64(head + "aGVs\n bG8=") == b"hello"


@pytest.mark.parametrize(
    "text", ["data:image/png,hello", "data:image/png;base64", "!!!!", "aGVsbG8", "aGVs-_8=", "größe", "data:,x"]
)
def test_invalid_base64_is_an_error(text: str) -> None:
    with pytest.raises(PolarAIError) as error:
        images.from_base64(text)
    assert error.value.sqlstate == "22P03"


@pytest.mark.parametrize(
    ("size", "result"),
    [((400, 200), (448 // 2, 112)), ((50, 40), (50, 40)), ((3000, 20), (60, 20)), ((20, 3000), (20, 60))],
)
def test_for_a_model_the_short_side_shrinks_and_extremes_are_cut(
    size: tuple[int, int], result: tuple[int, int]
) -> None:
    reduced = decoded(images.for_model(picture(*size), 112, "x"))
    assert (reduced.format, reduced.mode, reduced.size) == ("JPEG", "RGB", result)


def test_for_a_model_transparency_becomes_white() -> None:
    reduced = decoded(images.for_model(picture(mode="RGBA", file_format="PNG", color=(255, 0, 0, 0)), 8, "x"))
    assert min(reduced.getpixel((4, 4))) > 250  # type: ignore[type-var,arg-type]


def test_only_the_first_frame_of_an_animation_counts() -> None:
    animation = picture(file_format="GIF", save_all=True, append_images=[Image.new("RGB", (40, 20), "blue")])
    red, _, blue = decoded(images.for_model(animation, 8, "x")).getpixel((4, 4))  # type: ignore[misc]
    assert red > 240 and blue < 15
