"""Loading what a path names, and URLs that show it: one reader for each kind of source.

S3 and OSS are read through signed URLs and this runtime's own HTTP: kept connections, an address check on the very
address that is connected to, cancelling, and a size limit. opendal signs them (60 microseconds, no exchange). Google's
and Azure's stores are read by opendal itself, because their identities do not always sign.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from urllib.parse import quote, urlsplit

from .. import http, images
from ..errors import BAD_ARGUMENT, TOO_LARGE, PolarAIError
from ..http.allow_list import parse_url
from ..interrupts import Operation
from ..media_types import check_name
from ..paths import masked
from . import files, store
from .locations import Location
from .resolve import Reach, Source
from .store_errors import status_error

# The most bytes that are loaded for one picture.
MAX_PICTURE_BYTES = 100 * 2**20
# Seconds that a URL signed for one read is valid: longer than any read may wait for its turn.
READ_SECONDS = 900
READ_BYTES = 2**20

Reader = Callable[[Source, Reach, Operation, int], bytes | None]


def load(path: str, reach: Reach, operation: Operation, size_limit: int) -> bytes | None:
    """Return the bytes that ``path`` names; None if there are more than ``size_limit`` (0: no limit)."""
    source = reach.resolve(path)
    return READERS[source.kind](source, reach, operation, size_limit)


def load_picture(path: str, reach: Reach, operation: Operation) -> bytes:
    """Return a picture's bytes; raise BAD_IMAGE for a video's or a sound's name, TOO_LARGE over 100 MB."""
    check_name(path, masked(path))
    content = load(path, reach, operation, MAX_PICTURE_BYTES)
    if content is None:
        raise too_large(path, MAX_PICTURE_BYTES)
    return content


def too_large(path: str, limit: int) -> PolarAIError:
    """Return the error for a file over the limit, for callers to whom an empty result would be a trap."""
    message = f"{masked(path)} is larger than the limit of {limit / 2**20:g} MB"
    return PolarAIError(message, sqlstate=TOO_LARGE, stage="load")


def presign(path: str, reach: Reach, operation: Operation, seconds: int) -> str:
    """Return a URL that shows what ``path`` names for ``seconds``, to anybody who has it."""
    source = reach.resolve(path)
    location = source.location
    by_thumbnail = "Show it with polar_ai.ai_thumbnail."
    if source.kind == "file":
        raise _not_signed(path, "a file of the database server has no URL", by_thumbnail)
    if location is None:
        if masked(path) != path:
            raise _not_signed(path, "it is signed already, or holds credentials", None)
        parse_url(path)
        return path
    if source.kind == "http":
        if location.secret:
            raise _not_signed(path, "a web server signs no URLs", by_thumbnail)
        return _web_url(location, source.path)
    if source.kind == "azblob" and location.credentials != "none":
        # The library's SAS would let its holder write and delete, and a stored SAS is the secret itself.
        raise _not_signed(path, "Azure's URLs cannot be limited to reading here", by_thumbnail)
    return _signed(source, location, operation, seconds, reach.limits)[0]


def check_web_location(location: Location, reach: Reach, operation: Operation) -> None:
    """Raise if a web location's server does not answer, or refuses the credentials; a 404 is an answer."""
    request = _web_request(location, location.url, reach, f"reaching the location {location.name}", 2**20)
    answer = http.fetch(request, reach.limits, operation)
    if answer.status in (401, 407) or answer.status >= 500:
        raise http.status_error(answer, request)


def _read_data(source: Source, reach: Reach, operation: Operation, size_limit: int) -> bytes | None:
    content = images.from_base64(source.path)
    return None if size_limit and len(content) > size_limit else content


def _read_file(source: Source, reach: Reach, operation: Operation, size_limit: int) -> bytes | None:
    if source.location is None:
        return files.read(source.path, reach.folders, size_limit)
    root = "/" + source.location.root
    return files.read(f"{root.rstrip('/')}/{source.path}", files.folders([root]), size_limit)


def _read_web(source: Source, reach: Reach, operation: Operation, size_limit: int) -> bytes | None:
    location, description = source.location, f"loading {source.name}"
    if location is None:
        request = http.Request(source.path, reach.allow_list, description, size_limit=size_limit)
        return http.get(request, reach.limits, operation)
    request = _web_request(location, _web_url(location, source.path), reach, description, size_limit)
    return http.get(request, _with_store_retries(reach.limits), operation, status_error)


def _read_signed(source: Source, reach: Reach, operation: Operation, size_limit: int) -> bytes | None:
    location, limits = source.location, _with_store_retries(reach.limits)
    assert location is not None
    url, headers = _signed(source, location, operation, READ_SECONDS, limits)
    allow_list = reach.allow_list
    # The endpoint of a location is an administrator's word; that of an oss:// URL is anybody's.
    if location.registered:
        allow_list = allow_list.naming("{0.scheme}://{0.netloc}".format(urlsplit(url)))
    request = http.Request(url, allow_list, f"loading {source.name}", headers=headers, size_limit=size_limit)
    return http.get(request, limits, operation, status_error)


def _read_store(source: Source, reach: Reach, operation: Operation, size_limit: int) -> bytes | None:
    location, description = source.location, f"loading {source.name}"
    assert location is not None
    store.check_endpoint(location, reach.allow_list, description)
    operator = store.operator(location, reach.limits.timeout)

    async def work() -> bytes:
        file = await operator.open(source.path, "rb")
        parts, size = [], 0
        # A read returns what has arrived, and nothing only at the end. Reading stops at the limit.
        while not (size_limit and size > size_limit) and (part := bytes(await file.read(READ_BYTES))):
            parts.append(part)
            size += len(part)
        return b"".join(parts)

    content = store.call(work, operation, description, reach.limits.timeout)
    return None if size_limit and len(content) > size_limit else content


READERS: dict[str, Reader] = {
    "data": _read_data,
    "file": _read_file,
    "http": _read_web,
    "s3": _read_signed,
    "oss": _read_signed,
    "gcs": _read_store,
    "azblob": _read_store,
}


def _signed(
    source: Source, location: Location, operation: Operation, seconds: int, limits: http.Limits
) -> tuple[str, dict[str, str]]:
    """Return a URL that reads one object for ``seconds``, and the headers that have to go with it."""
    below = source.path
    if location.kind == "gcs":
        # For Google, opendal signs names as they are given; so they are given as URLs have them.
        location = replace(location, url=f"gcs://{location.bucket}/{quote(quote(location.root))}")
        below = quote(below)
    operator = store.operator(location, limits.timeout)
    description = f"signing {source.name}"
    signed = store.call(lambda: operator.presign_read(below, seconds), operation, description, limits.timeout)
    return str(signed.url), dict(signed.headers)


def _web_url(location: Location, below: str) -> str:
    return f"{location.url.rstrip('/')}/{quote(below)}"


def _web_request(location: Location, url: str, reach: Reach, description: str, size_limit: int) -> http.Request:
    headers = {"Authorization": location.secret} if location.secret else {}
    allow_list = reach.allow_list.naming(location.url)
    return http.Request(url, allow_list, description, headers=headers, size_limit=size_limit)


def _with_store_retries(limits: http.Limits) -> http.Limits:
    """Return ``limits`` with the tries and pauses that stores expect of their clients; settings may ask for more."""
    return replace(
        limits,
        retry_times=max(limits.retry_times, store.RETRY_TIMES),
        retry_interval=min(limits.retry_interval, store.RETRY_SECONDS),
        backoff=2.0,
    )


def _not_signed(path: str, reason: str, hint: str | None) -> PolarAIError:
    message = f"cannot sign a URL for {masked(path)}: {reason}"
    return PolarAIError(message, sqlstate=BAD_ARGUMENT, hint=hint, stage="load")
