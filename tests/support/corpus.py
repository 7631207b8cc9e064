"""Inputs good and bad, made by code: what a model is asked to embed, and what has to become of it."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from PIL import Image

from tests.support.pictures import encoded


@dataclass(frozen=True)
class Case:
    """One input: ``content`` is written to a file of ``name``; ``path`` is staged in its place where it is given."""

    name: str
    kind: str
    content: bytes | None = None
    path: str | None = None
    # What the error's message says; None where the input is good.
    error: str | None = None


def scene(width: int = 96, height: int = 64) -> Image.Image:
    """Return a picture with something in every corner, so that a turned one is another one."""
    image = Image.new("RGB", (width, height))
    for x in range(width):
        for y in range(height):
            image.putpixel((x, y), (x * 255 // width, y * 255 // height, 128 if x > y else 0))
    return image


def modes() -> Iterator[tuple[str, bytes]]:
    """Yield the same photo in every colour mode and format that photos come in."""
    image = scene()
    for file_format, extension in [
        ("JPEG", "jpg"),
        ("PNG", "png"),
        ("BMP", "bmp"),
        ("WEBP", "webp"),
        ("TIFF", "tif"),
        ("GIF", "gif"),
        ("PPM", "ppm"),
    ]:
        yield f"rgb.{extension}", encoded(image, file_format)
    yield "progressive.jpg", encoded(image, "JPEG", progressive=True)
    yield "quality-100.jpg", encoded(image, "JPEG", quality=100, subsampling=0)
    yield "grey.jpg", encoded(image.convert("L"), "JPEG")
    yield "cmyk.jpg", encoded(image.convert("CMYK"), "JPEG")
    for mode in ("RGBA", "L", "LA", "P", "1"):
        yield f"{mode.lower()}.png", encoded(image.convert(mode), "PNG")
    yield "sixteen-bit.png", encoded(image.convert("L").convert("I").point(lambda v: v * 257).convert("I;16"), "PNG")
    yield "palette-transparent.png", encoded(image.convert("P"), "PNG", transparency=0)
    yield "interlaced.gif", encoded(image.convert("P"), "GIF", interlace=1)
    for compression in ("tiff_lzw", "tiff_deflate", "packbits"):
        yield f"{compression}.tif", encoded(image, "TIFF", compression=compression)
    yield "cmyk.tif", encoded(image.convert("CMYK"), "TIFF")
    yield "lossless.webp", encoded(image, "WEBP", lossless=True)
    yield "rgba.webp", encoded(image.convert("RGBA"), "WEBP")
    yield "jpeg-2000.jp2", encoded(image, "JPEG2000")


def rotations() -> Iterator[tuple[str, bytes]]:
    """Yield the same photo stored in each of EXIF's eight orientations."""
    back = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    for orientation in range(1, 9):
        image = scene()
        stored = image.transpose(back[orientation]) if orientation in back else image
        exif = Image.Exif()
        exif[0x0112] = orientation
        for file_format, extension in (("JPEG", "jpg"), ("PNG", "png"), ("WEBP", "webp")):
            yield f"exif-{orientation}.{extension}", encoded(stored, file_format, exif=exif)


def animated(file_format: str) -> bytes:
    """Return an animation of three frames."""
    frames = [scene(), Image.new("RGB", (96, 64), "red"), Image.new("RGB", (96, 64), "blue")]
    out = io.BytesIO()
    frames[0].save(out, file_format, save_all=True, append_images=frames[1:], duration=100)
    return out.getvalue()


def png_of(width: int, height: int) -> bytes:
    """Return a PNG that claims a size and has next to no data: a bomb where it is believed."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


NAMES = {
    "spaces": "a photo of  two spaces.jpg",
    "single quote": "it's.jpg",
    "double quote": 'a "quoted" one.jpg',
    "backslash": "back\\slash.jpg",
    "dollar quote": "$$ $body$.jpg",
    "semicolon": "; drop table photos; --.jpg",
    "braces": "{{ jinja }} {% raw %} {0} %s %(x)s.jpg",
    "percent": "100%.jpg",
    "looks encoded": "a%20b.jpg",
    "hash": "a#b.jpg",
    "question mark": "a?b=c.jpg",
    "ampersand": "a&b.jpg",
    "plus": "a+b.jpg",
    "colon": "a:name.jpg",
    "comma": "a,b.jpg",
    "at": "user@host.jpg",
    "umlauts": "Grüße aus Köln.jpg",
    "decomposed": "Gru\u0308ße.jpg",
    "chinese": "雪天里的白色卡车.jpg",
    "arabic": "صورة.jpg",
    "emoji": "🐈 on a 🛋️.jpg",
    "zero width": "zero\u200bwidth.jpg",
    "right to left": "\u202egpj.jpg",
    "tab": "a\tb.jpg",
    "line break": "a\nb.jpg",
    "long": "x" * 240 + ".jpg",
    "no extension": "photo",
    "wrong extension": "photo.txt",
    "upper case": "PHOTO.JPEG",
    "leading dash": "-rf.jpg",
    "leading dot": ".hidden.jpg",
    "asterisk": "*.jpg",
    "pipe": "|cat.jpg",
    "backquote": "`id`.jpg",
}


def cases(folder: Path) -> list[Case]:
    """Return the corpus, in ``folder``."""
    photo = encoded(scene(), "JPEG", quality=95)
    made = [Case(name, "modes", content) for name, content in modes()]
    made += [Case(name, "rotations", content) for name, content in rotations()]
    made += [Case(f"animated.{name.lower()}", "animated", animated(name)) for name in ("GIF", "WEBP", "PNG", "TIFF")]
    made += [Case(f"names/{name}", "names", photo) for name in NAMES.values()]
    made += [
        Case(f"urls/{name}", "file URLs", photo, f"file://{quote(str(folder))}/urls/{quote(name)}")
        for key, name in NAMES.items()
        if key not in ("line break",)
    ]
    for width, height in [(1, 1), (1, 64), (64, 1), (5000, 2), (2, 5000), (4000, 3000)]:
        made.append(
            Case(f"size-{width}x{height}.jpg", "sizes", encoded(Image.new("RGB", (width, height), "red"), "JPEG"))
        )
    whole = {name: encoded(scene(), name) for name in ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP")}
    for name, content in whole.items():
        for share in (0.1, 0.5, 0.9):
            cut = content[: max(8, int(len(content) * share))]
            made.append(
                Case(f"cut-{share}-{name.lower()}.bin", "truncated", cut, error="damaged|not an image|truncated|empty")
            )
    noise = bytes((n * 7919 + 13) % 256 for n in range(5000))
    texts: dict[str, tuple[bytes, str]] = {
        "empty.jpg": (b"", "empty"),
        "zeros.jpg": (b"\0" * 1000, "not an image"),
        "noise.jpg": (noise, "not an image"),
        "text.jpg": (b"this is no photo", "not an image"),
        "page.jpg": (b"<!doctype html><html>Log in</html>", "web page"),
        "vector.svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "XML"),
        "paper.pdf": (b"%PDF-1.7 nothing", "PDF"),
        "film.mp4": (b"\0\0\0\x18ftypmp42" + noise, "video"),
        "film.webm": (b"\x1aE\xdf\xa3" + noise, "video"),
        "film.avi": (b"RIFF\0\0\0\0AVI " + noise, "video"),
        "song.mp3": (b"ID3" + noise, "audio"),
        "song.ogg": (b"OggS" + noise, "audio"),
        "song.wav": (b"RIFF\0\0\0\0WAVE" + noise, "audio"),
        "archive.zip": (b"PK\x03\x04" + noise, "not an image"),
        "program.exe": (b"MZ" + noise, "not an image"),
        "script.eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not an image"),
        "data.json": (b'{"a": 1}', "not an image"),
        "header-only.jpg": (photo[:3], "not an image|damaged"),
        "jpeg-then-noise.jpg": (photo[:400] + noise, "damaged"),
        "png-signature.png": (b"\x89PNG\r\n\x1a\n" + noise, "not an image|damaged"),
        "bomb-wide.png": (png_of(60_000, 60_000), "pixels"),
        "bomb-tall.png": (png_of(1, 2_000_000_000), "pixels|damaged"),
        "bomb-square.png": (png_of(20_000, 20_000), "pixels"),
        "no-pixels.png": (png_of(0, 0), "not an image|damaged"),
        "cut-data.png": (png_of(500, 500), "damaged"),
    }
    made += [Case(name, "not images", content, error=error) for name, (content, error) in texts.items()]
    made += [
        Case("missing", "unreachable", path=f"{folder}/missing.jpg", error="there is no file"),
        Case("folder", "unreachable", path=f"{folder}/names", error="not a regular file"),
        Case("outside", "unreachable", path="/etc/passwd", error="not below an allowed folder"),
        Case("dots", "unreachable", path=f"{folder}/../../etc/passwd", error="not below an allowed folder"),
        Case("relative", "unreachable", path="photos/a.jpg", error="cannot|refused"),
        Case("bad scheme", "unreachable", path="gopher://example.com/a.jpg", error="cannot|refused|not an http"),
        Case("no host", "unreachable", path="http:///a.jpg", error="cannot|malformed|not an http"),
        Case("not allowed", "unreachable", path="http://127.0.0.1:9/a.jpg", error="refused to reach"),
        Case("metadata", "unreachable", path="http://169.254.169.254/latest/meta-data/", error="refused to reach"),
        Case("remote file", "unreachable", path="file://host/a.jpg", error="file URL"),
        Case("name too long", "unreachable", path=f"{folder}/{'y' * 300}.jpg", error="cannot open"),
        Case("space only name", "unreachable", path=f"{folder}/ .jpg", error="there is no file"),
    ]
    return made


TEXTS: dict[str, tuple[Any, str | None]] = {
    "plain": ("a red car", None),
    "one letter": ("a", None),
    "quotes": ('it\'s a "red" $$car$$ \\ %s {{ x }}', None),
    "unicode": ("雪天里的白色卡车 🐈 Grüße صورة", None),
    "line breaks": ("red\r\ncar\n\ttabbed", None),
    "control characters": ("red \x01\x02\x1f car", None),
    "zero width": ("\u200bred\u200b", None),
    "json": ('{"text": "red", "blob": null}', None),
    "markup": ("<b>red</b> &amp; <script>alert(1)</script>", None),
    "long": ("red car " * 10_000, None),
    "a path": ("/etc/passwd", None),
    "a URL": ("http://169.254.169.254/", None),
    "empty": ("", "NULL or empty"),
    "null": (None, "NULL or empty"),
    "blank": ("   ", "blank"),
    "blank lines": ("\n\r\n\t", "blank"),
    "enormous": ("x" * 1_000_001, "1,000,001 characters"),
}
