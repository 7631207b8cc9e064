"""What lies in a location, row by row: a worker thread asks for pages, the backend takes rows; little is held."""

from __future__ import annotations

import mimetypes
import os
import queue
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from . import http, storage
from .errors import BAD_ARGUMENT, IO_ERROR, NOT_FOUND, PolarAIError
from .interrupts import Operation, submit
from .locations import Location, check_below

# path, size, last_modified, etag, content_type
Row = tuple[str, int, str | None, str | None, str | None]

# Rows handed over at once, and how many such handfuls may wait: a few megabytes at the worst.
HANDFUL = 500
WAITING = 8
POLL_SECONDS = 0.05
# Whose types a server's own list may lack.
NEWER_IMAGES = ("avif", "heic", "heif", "jp2", "webp")


def files(
    location: Location,
    prefix: str,
    entries: Sequence[str],
    limits: http.Limits,
    operation: Operation,
    poll: Callable[[], None],
    most: int = 0,
) -> Iterator[Row]:
    """Yield everything below ``prefix`` (the beginning of a path), ``most`` rows at the most (0: all)."""
    if location.kind == "http":
        raise PolarAIError(
            f"cannot list the location {location.name}: a web server has no listing",
            sqlstate=BAD_ARGUMENT,
            hint="Insert the paths into polarlens.image_paths, for example from the site's own index.",
            stage="load",
        )
    if prefix:
        check_below(location, prefix.rstrip("/") or "/")
    if location.kind != "file":
        storage.check_endpoint(location, entries, _doing(location))
    handed: queue.Queue[list[Row]] = queue.Queue(WAITING)

    def hand(rows: list[Row]) -> None:
        while True:
            operation.check()
            try:
                return handed.put(rows, timeout=POLL_SECONDS)
            except queue.Full:
                continue

    work = _folder if location.kind == "file" else _objects
    worker = submit(lambda: work(location, prefix, limits, operation, hand))
    given = 0
    try:
        while True:
            poll()
            try:
                rows = handed.get(timeout=POLL_SECONDS)
            except queue.Empty:
                if worker.done() and handed.empty():
                    return worker.result()  # which raises what the worker raised
                continue
            for row in rows:
                yield row
                given += 1
                if given == most:
                    return
    finally:
        operation.abort()


def _objects(
    location: Location, prefix: str, limits: http.Limits, operation: Operation, hand: Callable[[list[Row]], None]
) -> None:
    store = storage.operator(location, limits, listing=True)

    async def work() -> None:
        # opendal's blocking lister keeps the interpreter lock while it waits; the asynchronous one does not.
        rows: list[Row] = []
        async for entry in await store.list(prefix, recursive=True):
            if entry.path.endswith("/"):
                continue
            found = entry.metadata
            etag = found.etag.strip('"') if found.etag else None
            when = found.last_modified.isoformat() if found.last_modified else None
            rows.append((entry.path, found.content_length, when, etag, found.content_type or _guessed(entry.path)))
            if len(rows) == HANDFUL:
                hand(rows)
                rows = []
        hand(rows)

    # As long as it takes: each page has its own limit, in the operator's layers.
    storage.judged(lambda: storage.awaited(work, operation, _doing(location), float("inf")), _doing(location))


def _folder(
    location: Location, prefix: str, limits: http.Limits, operation: Operation, hand: Callable[[list[Row]], None]
) -> None:
    root = "/" + location.root
    if not Path(root).is_dir():
        raise PolarAIError(
            f"{_doing(location)}: there is no folder {root} on the database server, or it may not be entered",
            sqlstate=NOT_FOUND,
            stage="load",
            scope="batch",
        )
    rows: list[Row] = []
    for path, status in _below(root, prefix.rpartition("/")[0]):
        if not path.startswith(prefix):
            continue
        when = datetime.fromtimestamp(status.st_mtime, UTC).isoformat()
        rows.append((path, status.st_size, when, f"{status.st_size}-{status.st_mtime_ns}", _guessed(path)))
        if len(rows) == HANDFUL:
            hand(rows)
            rows = []
    hand(rows)


def _below(root: str, folder: str) -> Iterator[tuple[str, os.stat_result]]:
    """Yield the regular files below a folder; links are not followed, and names that are no Unicode left out."""
    try:
        with os.scandir(f"{root}/{folder}") as entries:
            for entry in entries:
                path = f"{folder}/{entry.name}".lstrip("/")
                if entry.is_dir(follow_symlinks=False):
                    yield from _below(root, path)
                elif entry.is_file(follow_symlinks=False) and _unicode(path):
                    yield path, entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return  # went while it was being listed
    except OSError as error:
        raise PolarAIError(
            f"cannot list {root}/{folder} on the database server: {error.strerror}",
            sqlstate=IO_ERROR,
            hint="The database server's own user has to be able to read the folder.",
            stage="load",
            scope="batch",
        ) from None


def _guessed(path: str) -> str | None:
    """Return what the name says: S3 and OSS keep content types out of their listings."""
    ending = path.rpartition(".")[2].lower()
    return mimetypes.guess_type(path)[0] or (f"image/{ending}" if ending in NEWER_IMAGES else None)


def _unicode(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _doing(location: Location) -> str:
    return f"listing the location {location.name}"
