"""Files on the database server: only below allowed folders, with symbolic links resolved."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import BAD_ARGUMENT, IO_ERROR, NOT_ALLOWED, NOT_FOUND, PolarAIError
from ..paths import local_path

# Processes and devices.
NEVER = (b"/proc", b"/sys", b"/dev")
# O_NONBLOCK: opening a named pipe must not wait for its writer.
_FOR_READING = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK


@dataclass(frozen=True)
class Folders:
    """What may be read: everything below ``allowed`` and nothing below ``never``. Symbolic links are resolved."""

    allowed: Sequence[bytes]
    never: Sequence[bytes]

    def hold(self, path: bytes) -> bool:
        """Tell whether the file at ``path``, links resolved, may be read."""
        return _below(path, self.allowed) and not _below(path, self.never)


def folders(entries: Sequence[str]) -> Folders:
    """Return the folders that the allow-list's entries open, as of now."""
    paths = [path for entry in entries if (path := local_path(entry)) is not None and "\0" not in path]
    here = Path.cwd()  # a server works in its data folder, which holds the tokens
    data = [os.path.realpath(bytes(here))] if (here / "PG_VERSION").exists() else []
    return Folders([os.path.realpath(_encoded(path)) for path in paths], [*NEVER, *data])


def read(path: str, folders: Folders, limit: int) -> bytes | None:
    """Return the bytes of the file at ``path``; None where it is larger than ``limit`` (0: no limit).

    Raises NOT_ALLOWED outside the folders, NOT_FOUND, or IO_ERROR.
    """
    if "\0" in path:
        raise PolarAIError("the path has a NUL character", sqlstate=BAD_ARGUMENT, stage="load")
    raw = _encoded(path)
    try:
        descriptor = _open(raw, folders, path)
    except OSError as error:
        # A refusal does not tell what exists.
        if not folders.hold(os.path.realpath(raw)):
            raise _refused(path) from None
        if isinstance(error, FileNotFoundError):
            raise PolarAIError(f"there is no file {path}", sqlstate=NOT_FOUND, stage="load") from None
        raise PolarAIError(
            f"cannot open {path}: {error.strerror}",
            sqlstate=IO_ERROR,
            hint="The database server's own user has to be able to read the file and every folder above it.",
            stage="load",
        ) from None
    try:
        size = os.fstat(descriptor).st_size
        if limit and size > limit:
            return None
        content = _read_up_to(descriptor, limit + 1 if limit else sys.maxsize, size)
    except OSError as error:
        raise PolarAIError(f"cannot read {path}: {error.strerror}", sqlstate=IO_ERROR, stage="load") from None
    finally:
        os.close(descriptor)
    return None if limit and len(content) > limit else content


def _open(raw: bytes, folders: Folders, path: str) -> int:
    """Return a descriptor of a regular file, opened for reading; raise OSError, NOT_ALLOWED or BAD_ARGUMENT.

    What is found is judged before it is opened (O_PATH touches nothing), and that very thing is opened then: no
    link can change in between. Few system calls, for each of them may wait for the interpreter's lock.
    """
    if not hasattr(os, "O_PATH"):
        return _open_by_name(raw, folders, path)
    found = os.open(raw, os.O_PATH | os.O_CLOEXEC)
    try:
        link = b"/proc/self/fd/%d" % found
        if not folders.hold(os.readlink(link)):  # noqa: PTH115 - bytes
            raise _refused(path)
        _check_regular(found, path)
        return os.open(link, _FOR_READING)
    finally:
        os.close(found)


def _open_by_name(raw: bytes, folders: Folders, path: str) -> int:
    """Do what _open does on a system without O_PATH (macOS), as well as names allow."""
    resolved = os.path.realpath(raw)
    if not folders.hold(resolved):
        raise _refused(path)
    found = os.open(resolved, _FOR_READING | os.O_NOFOLLOW)
    try:
        _check_regular(found, path)
    except BaseException:
        os.close(found)
        raise
    return found


def _check_regular(descriptor: int, path: str) -> None:
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        raise PolarAIError(f"{path} is not a regular file", sqlstate=BAD_ARGUMENT, stage="load")


def _read_up_to(descriptor: int, most: int, size: int) -> bytes:
    """Return up to ``most`` bytes: the ``size`` that the system tells, in one read, and what has been added since."""
    parts: list[bytes] = []
    while most > 0 and (part := os.read(descriptor, min(most, size + 1))):
        parts.append(part)
        most -= len(part)
        if len(parts) == 1 and len(part) == size:
            break
    return b"".join(parts)


def _encoded(path: str) -> bytes:
    # Bytes: in a database with LC_CTYPE=C, Python would take file names for ASCII.
    return path.encode("utf-8", "surrogateescape")


def _below(path: bytes, folders: Sequence[bytes]) -> bool:
    return any(path == folder or path.startswith(folder.rstrip(b"/") + b"/") for folder in folders)


def _refused(path: str) -> PolarAIError:
    return PolarAIError(
        f"refused to read {path}: it is not below an allowed folder",
        sqlstate=NOT_ALLOWED,
        hint="An administrator can allow a folder: select polar_ai.ai_allow('file:///folder');",
        stage="load",
    )
