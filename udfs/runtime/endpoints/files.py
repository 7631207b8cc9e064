"""Endpoints for files and pictures: loading, resizing, listing, and URLs and thumbnails to show them."""

from __future__ import annotations

import json
from collections.abc import Iterator

from .. import images, sources
from ..database import Database, Session, session_of
from ..errors import PolarAIError
from ..interrupts import Operation
from .outcome import Error, outcome, rows, stream, value

# PostgreSQL keeps no value over 1 GB, whatever limit the caller gives.
MAX_BYTEA = 2**30 - 2**10


@value
def load_file(session: Session, url: str, buffer_limit: int, permits: str) -> bytes | None:
    """Return the bytes at ``url``; None if they are more than ``buffer_limit`` MB (0: no limit)."""
    session.warn_of_secret(url)
    reach = session.reach(permits)
    size = buffer_limit * 2**20
    bounded = min(size or MAX_BYTEA, MAX_BYTEA)
    content = session.run(lambda operation: sources.load(url, reach, operation, bounded))
    if content is None and size != bounded:
        raise sources.too_large(url, bounded)
    return content


@value
def resize_image(session: Session, image: bytes, width: int, height: int) -> bytes:
    """See images.resize."""
    return session.run(lambda _: images.resize(image, width, height))


@value
def image_as_base64(session: Session, image: bytes, mime_type: bool) -> str:
    """See images.as_base64."""
    return session.run(lambda _: images.as_base64(image, mime_type))


@value
def image_from_base64(session: Session, image: str) -> bytes:
    """See images.from_base64."""
    return session.run(lambda _: images.from_base64(image))


@value
def presign_url(session: Session, path: str, seconds: int, permits: str) -> str:
    """Return a URL that shows ``path`` for so many seconds, to anybody who has it."""
    session.warn_of_secret(path)
    reach = session.reach(permits)
    return session.run(lambda operation: sources.presign(path, reach, operation, seconds))


@rows
def load_thumbnails(
    session: Session, paths: list[str], size: int, permits: str
) -> Iterator[tuple[int, bytes | PolarAIError]]:
    """Yield the small picture of each path, or its error, as they are finished."""
    for path in paths:
        session.warn_of_secret(path)
    return sources.thumbnails(paths, size, session.reach(permits), session.poll)


def list_files(
    database: Database, name: str, prefix: str, permits: str
) -> Iterator[tuple[str | None, int | None, str | None, str | None, str | None, Error]]:
    """Yield (path, size, last_modified, etag, content type, error) of each file in a location below ``prefix``."""
    session = session_of(database)

    def begin() -> Iterator[sources.Row]:
        reach = session.reach(permits)
        return sources.list_files(reach.location(name, name), prefix, reach, Operation(), session.poll)

    for file, error in stream(database, begin):
        yield (None, None, None, None, None, error) if file is None else (*file, None)


@value
def test_location(session: Session, name: str, permits: str) -> str | None:
    """List one file of a location, and read it: return its path, or None if there is none."""
    reach = session.reach(permits)
    location = reach.location(name, name)
    if location.kind == "http":
        session.run(lambda operation: sources.check_web_location(location, reach, operation))
        return None
    first = next(sources.list_files(location, "", reach, Operation(), session.poll, limit=1), None)
    if first is None:
        return None
    path = location.path(first[0])
    session.run(lambda operation: sources.load(path, reach, operation, sources.MAX_PICTURE_BYTES))
    return path


def check_location(database: Database, name: str, url: str, options: str, secret: str | None) -> Error:
    """Return what is wrong with a location's name, URL and options, if anything."""

    def work() -> None:
        sources.validate(sources.Location(name, url, json.loads(options), secret or None))

    return outcome(database, work)[1]
