"""Files on the database server: only below allowed folders, with symbolic links resolved."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote

from .errors import BAD_ARGUMENT, IO_ERROR, NOT_ALLOWED, NOT_FOUND, TOO_LARGE, PolarAIError

NEVER = (b"/proc", b"/sys", b"/dev")


def path_of(url: str) -> str | None:
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


def folders(entries: Sequence[str]) -> list[bytes]:
    """Return the allow-list's folders, symbolic links resolved."""
    paths = [path for entry in entries if (path := path_of(entry)) is not None and "\0" not in path]
    return [os.path.realpath(_encoded(path)) for path in paths]


def read(path: str, entries: Sequence[str], limit: int) -> bytes | None:
    """Return the bytes of the file at ``path``; None where it is larger than ``limit`` (0: no limit).

    Raises NOT_ALLOWED outside the allowed folders, NOT_FOUND, or IO_ERROR.
    """
    if "\0" in path:
        raise PolarAIError("the path has a NUL character", sqlstate=BAD_ARGUMENT, stage="load")
    raw = _encoded(path)
    allowed = folders(entries)
    # Judged before anything is opened, so that a refusal does not tell what exists.
    if not _may_read(os.path.realpath(raw), allowed):
        raise _refused(path)
    try:
        # O_NONBLOCK: opening a named pipe must not wait for its writer.
        descriptor = os.open(raw, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        raise PolarAIError(f"there is no file {path}", sqlstate=NOT_FOUND, stage="load") from None
    except OSError as error:
        raise PolarAIError(
            f"cannot open {path}: {error.strerror}",
            sqlstate=IO_ERROR,
            hint="The database server's own user has to be able to read the file and every folder above it.",
            stage="load",
        ) from None
    try:
        # Judged again on the open file: a link may have changed in between.
        opened = _opened(descriptor)
        if opened is not None and not _may_read(opened, allowed):
            raise _refused(path)
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise PolarAIError(f"{path} is not a regular file", sqlstate=BAD_ARGUMENT, stage="load")
    except BaseException:
        os.close(descriptor)
        raise
    with os.fdopen(descriptor, "rb") as file:
        if limit and status.st_size > limit:
            return None
        try:
            content = file.read(limit + 1) if limit else file.read()
        except OSError as error:
            raise PolarAIError(f"cannot read {path}: {error.strerror}", sqlstate=IO_ERROR, stage="load") from None
    return None if limit and len(content) > limit else content


def too_large(name: str, limit: int) -> PolarAIError:
    """Return the error for a file over the limit, for callers to whom an empty result would be a trap."""
    return PolarAIError(f"{name} is larger than the limit of {limit / 2**20:g} MB", sqlstate=TOO_LARGE, stage="load")


def _opened(descriptor: int) -> bytes | None:
    """Return where an open file lies, links resolved; None where the system does not tell."""
    try:
        return os.readlink(b"/proc/self/fd/%d" % descriptor)  # noqa: PTH115 - bytes
    except OSError:
        return None


def _encoded(path: str) -> bytes:
    # Bytes: in a database with LC_CTYPE=C, Python would take file names for ASCII.
    return path.encode("utf-8", "surrogateescape")


def _may_read(path: bytes, allowed: Sequence[bytes]) -> bool:
    return _below(path, allowed) and not _below(path, _never())


def _never() -> list[bytes]:
    """Return the folders that no entry opens: the server's own data, which hold the tokens, and its processes."""
    here = Path.cwd()  # a server works in its data folder
    return [*NEVER, *([os.path.realpath(bytes(here))] if (here / "PG_VERSION").exists() else [])]


def _below(path: bytes, folders: Sequence[bytes]) -> bool:
    return any(path == folder or path.startswith(folder.rstrip(b"/") + b"/") for folder in folders)


def _refused(path: str) -> PolarAIError:
    return PolarAIError(
        f"refused to read {path}: it is not below an allowed folder",
        sqlstate=NOT_ALLOWED,
        hint="An administrator can allow a folder: select polar_ai.ai_allow('file:///folder');",
        stage="load",
    )
