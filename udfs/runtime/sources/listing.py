"""The files of a location, row by row: a worker thread asks for pages, the backend takes rows; little is held."""

from __future__ import annotations

import mimetypes
import os
import queue
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from ..errors import BAD_ARGUMENT, IO_ERROR, NOT_FOUND, PolarAIError
from ..interrupts import POLL_SECONDS, Operation, Poll, submit
from . import store
from .locations import Location, check_below
from .resolve import Reach

# path, size, last_modified, etag, content_type
Row = tuple[str, int, str | None, str | None, str | None]

# Rows in a page, and pages that may wait: a few megabytes at the worst.
PAGE_ROWS = 500
WAITING_PAGES = 8
# Image types that a server's own list may lack.
NEWER_IMAGES = ("avif", "heic", "heif", "jp2", "webp")


def list_files(
    location: Location, prefix: str, reach: Reach, operation: Operation, poll: Poll, limit: int = 0
) -> Iterator[Row]:
    """Yield everything below ``prefix`` (the beginning of a path), ``limit`` rows at most (0: all)."""
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
        store.check_endpoint(location, reach.allow_list, _doing(location))
    pages: queue.Queue[list[Row]] = queue.Queue(WAITING_PAGES)

    def put(page: list[Row]) -> None:
        while True:
            operation.check()
            try:
                return pages.put(page, timeout=POLL_SECONDS)
            except queue.Full:
                continue

    def work() -> None:
        if location.kind == "file":
            _list_folder(location, prefix, put)
        else:
            _list_store(location, prefix, reach.limits.timeout, operation, put)

    worker = submit(work)
    count = 0
    try:
        while True:
            poll()
            try:
                page = pages.get(timeout=POLL_SECONDS)
            except queue.Empty:
                if worker.done() and pages.empty():
                    return worker.result()  # which raises what the worker raised
                continue
            for row in page:
                yield row
                count += 1
                if count == limit:
                    return
    finally:
        operation.abort()


def _list_store(
    location: Location, prefix: str, timeout: float, operation: Operation, put: Callable[[list[Row]], None]
) -> None:
    operator = store.operator(location, timeout, listing=True)

    async def work() -> None:
        # opendal's blocking lister keeps the interpreter lock while it waits; the asynchronous one does not.
        page: list[Row] = []
        async for entry in await operator.list(prefix, recursive=True):
            if entry.path.endswith("/"):
                continue
            metadata = entry.metadata
            etag = metadata.etag.strip('"') if metadata.etag else None
            modified = metadata.last_modified.isoformat() if metadata.last_modified else None
            content_type = metadata.content_type or _guessed_type(entry.path)
            page.append((entry.path, metadata.content_length, modified, etag, content_type))
            if len(page) == PAGE_ROWS:
                put(page)
                page = []
        put(page)

    # As long as it takes: each page has its own limit, in the operator's layers.
    store.call(work, operation, _doing(location), float("inf"))


def _list_folder(location: Location, prefix: str, put: Callable[[list[Row]], None]) -> None:
    root = "/" + location.root
    if not Path(root).is_dir():
        raise PolarAIError(
            f"{_doing(location)}: there is no folder {root} on the database server, or it may not be entered",
            sqlstate=NOT_FOUND,
            stage="load",
            scope="batch",
        )
    page: list[Row] = []
    for path, status in _walk(root, prefix.rpartition("/")[0]):
        if not path.startswith(prefix):
            continue
        modified = datetime.fromtimestamp(status.st_mtime, UTC).isoformat()
        page.append((path, status.st_size, modified, f"{status.st_size}-{status.st_mtime_ns}", _guessed_type(path)))
        if len(page) == PAGE_ROWS:
            put(page)
            page = []
    put(page)


def _walk(root: str, folder: str) -> Iterator[tuple[str, os.stat_result]]:
    """Yield the regular files below a folder; links are not followed, and names that are no Unicode left out."""
    try:
        with os.scandir(f"{root}/{folder}") as entries:
            for entry in entries:
                path = f"{folder}/{entry.name}".lstrip("/")
                if entry.is_dir(follow_symlinks=False):
                    yield from _walk(root, path)
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


def _guessed_type(path: str) -> str | None:
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
