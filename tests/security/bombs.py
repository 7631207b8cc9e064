"""Images and answers that are small on the wire and large in memory."""

from __future__ import annotations

import contextlib
import functools
import gzip
import io
import socket
import struct
import threading
import zlib
from collections.abc import Callable

from PIL import Image

CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by PNG's number of a colour type


def png(width: int, height: int, colour: int = 2, bits: int = 8, more: bytes = b"", rows: int | None = None) -> bytes:
    """Return a black PNG; with fewer ``rows`` than it promises, it is cut."""
    row = bytes(1 + (width * CHANNELS[colour] * bits + 7) // 8)
    packer = zlib.compressobj(1)
    packed = b"".join(packer.compress(row) for _ in range(height if rows is None else rows)) + packer.flush()
    palette = chunk(b"PLTE", bytes(6)) + chunk(b"tRNS", b"\x10") if colour == 3 else b""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + more + palette + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def gif(width: int, height: int) -> bytes:
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0, 0, 0) + b"," + struct.pack(
        "<HHHHB", 0, 0, width, height, 0
    ) + b"\x02\x02L\x01\x00;"  # fmt: skip


def tiff(width: int, height: int) -> bytes:
    """Return a TIFF with one packed strip that claims the whole picture."""
    tags = [(256, 4, width), (257, 4, height), (258, 3, 8), (259, 3, 32773), (262, 3, 1), (273, 4, 8), (277, 3, 1)]
    tags += [(278, 4, height), (279, 4, 2)]
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    return b"II*\0" + struct.pack("<I", 12) + b"\x81\x00\0\0" + struct.pack("<H", len(tags)) + entries + bytes(4)


def bmp(width: int, height: int) -> bytes:
    return b"BM" + struct.pack("<IHHIIiiHHIIiiII", 60, 0, 0, 54, 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0) + b"\0" * 6


def webp(width: int, height: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 64)).save(out, "WEBP", lossless=True)
    body = bytearray(out.getvalue())
    body[21:25] = struct.pack("<I", (width - 1) | (height - 1) << 14)  # VP8L's own header
    return bytes(body)


def icon(inner: bytes) -> bytes:
    return struct.pack("<HHH", 0, 1, 1) + struct.pack("<BBBBHHII", 16, 16, 0, 0, 1, 32, len(inner), 22) + inner


# name: (bytes, whether the file is refused for its size or as damaged)
IMAGES: dict[str, Callable[[], bytes]] = {
    "PNG of 50,000 by 50,000": lambda: png(50_000, 50_000, rows=10),
    "PNG of the largest sides": lambda: png(2**31 - 1, 2**31 - 1, rows=0),
    "PNG of one long row": lambda: png(200_000_000, 1, colour=0, bits=1),
    "PNG of one long column": lambda: png(1, 200_000_000, colour=0, bits=1, rows=10),
    "PNG with a text that unpacks": lambda: png(8, 8, more=chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(2**28), 1))),
    "PNG with a profile that unpacks": lambda: png(
        8, 8, more=chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(2**28), 1))
    ),
    "PNG with many texts": lambda: png(8, 8, more=chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(2**20), 1)) * 200),
    "GIF of 65,535 by 65,535": lambda: gif(65_535, 65_535),
    "TIFF of 50,000 by 50,000": lambda: tiff(50_000, 50_000),
    "TIFF of the largest sides": lambda: tiff(2**31 - 1, 2**31 - 1),
    "BMP of 50,000 by 50,000": lambda: bmp(50_000, 50_000),
    "BMP of negative height": lambda: bmp(50_000, -50_000),
    "WebP of 16,383 by 16,383": lambda: webp(16_383, 16_383),
    "icon around a large PNG": lambda: icon(png(50_000, 50_000, rows=10)),
    "PPM of 50,000 by 50,000": lambda: b"P6 50000 50000 255\n" + bytes(100),
    "TGA of 65,535 by 65,535": lambda: struct.pack("<BBBHHBHHHHBB", 0, 0, 10, 0, 0, 0, 0, 0, 65_535, 65_535, 24, 0),
}


@functools.cache
def packed(size: int) -> bytes:
    """Return ``size`` zeros, packed by gzip."""
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=9) as file:
        for _ in range(size // 2**20):
            file.write(bytes(2**20))
    return out.getvalue()


def flood(head: bytes, more: bytes) -> Callable[[socket.socket, threading.Event], None]:
    """Answer with ``head`` and then with ``more`` without end, as fast as it is taken."""

    def behaviour(connection: socket.socket, closing: threading.Event) -> None:
        connection.recv(65_536)
        with contextlib.suppress(OSError):
            connection.sendall(head)
            while not closing.is_set():
                connection.sendall(more)

    return behaviour


OK = b"HTTP/1.1 200 OK\r\n"
ZEROS = bytes(2**20)
ANSWERS = {
    "a body without end": flood(OK + b"\r\n", ZEROS),
    "chunks without end": flood(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"100000\r\n" + ZEROS + b"\r\n"),
    "a chunk without end": flood(OK + b"Transfer-Encoding: chunked\r\n\r\nffffffffff\r\n", ZEROS),
    "a line of a chunk without end": flood(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"0" * 2**20),
    "a length that is a lie": flood(OK + b"Content-Length: 99999999999999\r\n\r\n", ZEROS),
    "a header without end": flood(OK + b"X: ", b"x" * 2**20),
    "headers without end": flood(OK, b"X: x\r\n" * 1000),
    "a status line without end": flood(b"HTTP/1.1 200 ", b"x" * 2**20),
    "continues without end": flood(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000),
    "a redirect with a body without end": flood(b"HTTP/1.1 302 Found\r\nLocation: /other\r\n\r\n", ZEROS),
    "an error with a body without end": flood(b"HTTP/1.1 500 Broken\r\n\r\n", ZEROS),
    "trailers without end": flood(OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X: x\r\n" * 1000),
}
