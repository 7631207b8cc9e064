"""The bytes behind an item's ``uri``: a data: URI or an http(s) address, bounded in size and time.

clip-as-service also reads paths on its own disk; anybody who can reach the service could read files so,
hence a path is refused here.
"""

from __future__ import annotations

import base64
import binascii
import time
from urllib.parse import unquote_to_bytes

import requests

MAX_BYTES = 32 * 1024 * 1024
CONNECT_SECONDS, READ_SECONDS, TOTAL_SECONDS = 5, 10, 30
CHUNK_BYTES = 64 * 1024


def fetch(uri: str) -> bytes:
    """Return the content of ``uri``. Raises OSError, in the wording of the contract where it has one."""
    scheme = uri.partition(":")[0].lower()
    if scheme == "data":
        return _decode_data(uri)
    if scheme in ("http", "https"):
        return _download(uri)
    raise FileNotFoundError(f"`{uri[:200]}` is not a URL or a valid local path")


def _decode_data(uri: str) -> bytes:
    header, comma, content = uri.partition(",")
    if not comma:
        raise OSError("the data: URI has no comma, so no content")
    try:
        return base64.b64decode(content) if header.endswith(";base64") else unquote_to_bytes(content)
    except binascii.Error as error:
        raise OSError(f"the data: URI is not valid base64: {error}") from None


def _download(uri: str) -> bytes:
    deadline = time.monotonic() + TOTAL_SECONDS
    received = bytearray()
    # requests' exceptions are OSErrors. It follows redirects to http(s) only.
    with requests.get(uri, stream=True, timeout=(CONNECT_SECONDS, READ_SECONDS)) as response:
        response.raise_for_status()
        for chunk in response.iter_content(CHUNK_BYTES):
            received += chunk
            if len(received) > MAX_BYTES:
                raise OSError(f"the image at the uri is larger than {MAX_BYTES} bytes")
            if time.monotonic() > deadline:
                raise TimeoutError(f"the image at the uri took longer than {TOTAL_SECONDS} s to arrive")
    return bytes(received)
