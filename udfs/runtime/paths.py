"""How paths and URLs read, and how errors may show them. Nothing is reached or looked up here."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

from .errors import BAD_ARGUMENT, PolarAIError

# How the stores' URLs may begin, and opendal's name for the store.
STORES = {"s3": "s3", "oss": "oss", "gcs": "gcs", "gs": "gcs", "azblob": "azblob", "az": "azblob"}
KINDS = {**STORES, "http": "http", "https": "http", "file": "file"}
# Names that would read as the beginning of a URL.
RESERVED = {*KINDS, "data", "ftp", "ftps", "hdfs", "urn"}
_IN_LOCATION = re.compile(r"([a-z][a-z0-9_-]{1,62}):(?!//)(.*)", re.DOTALL)


def in_location(path: str) -> tuple[str, str] | None:
    """Return (location, path in it) where ``path`` has that form; None for URLs and files of the server."""
    match = _IN_LOCATION.fullmatch(path)
    return (match[1], match[2]) if match and match[1] not in RESERVED else None


def local_path(url: str) -> str | None:
    """Return the local path that ``url`` means (file:///… percent-decoded, /… as it stands), or None."""
    if url.startswith("/"):
        return url
    if url[:5].lower() != "file:":
        return None
    # Not by urlsplit: to that, ? and # and line breaks are no ordinary characters of a file name.
    path = url[5:]
    for host in ("//localhost/", "///"):
        if path[: len(host)].lower() == host:
            path = path[len(host) - 1 :]
            break
    else:
        if not path.startswith("/") or path.startswith("//"):
            raise PolarAIError(
                f"cannot load {url}: a file URL is written file:///folder/photo.jpg",
                sqlstate=BAD_ARGUMENT,
                stage="load",
            )
    return unquote(path, errors="surrogateescape")


def is_oss_url(path: str) -> bool:
    """Tell whether ``path`` is PolarDB's oss://key:secret@endpoint/bucket/path, and so holds a secret."""
    return path[:6].lower() == "oss://"


def masked(path: str) -> str:
    """Return a path or URL as errors may show it: without user, password, query and fragment.

    Paths in locations and on the server stay as they are; of an oss:// URL, only what follows its last @ is shown.
    """
    if in_location(path):
        return path[:300]
    if path.startswith("/"):
        return _shortened(path)
    if path[:4].lower() in ("oss:", "oss/"):
        path = "oss://" + (path.rpartition("@")[2] if "@" in path else "…")
    try:
        parts = urlsplit(path)
    except ValueError:
        return "(malformed URL)"
    if path.startswith("oss:"):
        return path
    host = parts.netloc.rpartition("@")[2]
    return _shortened(f"{parts.scheme}://{host}{parts.path}" if parts.netloc else path.partition("?")[0])


def _shortened(text: str) -> str:
    return text if len(text) <= 300 else text[:299] + "…"
