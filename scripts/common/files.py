"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import NamedTemporaryFile


def write_whole(path: Path, content: str | bytes, mode: int = 0o600) -> None:
    """Replace a file in one step: a reader, or a killed writer, never leaves half of it behind."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        try:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fchmod(file.fileno(), mode)
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise


@contextlib.contextmanager
def new_folder(final: Path) -> Iterator[Path]:
    """Yield an empty folder that becomes ``final`` if the block succeeds and is deleted otherwise.

    A killed run may have left one behind; it is deleted first. The caller holds the lock of the parent folder.
    """
    unfinished = final.with_name(final.name + ".unfinished")
    if unfinished.exists():
        shutil.rmtree(unfinished)
    unfinished.mkdir(parents=True, mode=0o755)
    try:
        yield unfinished
        unfinished.replace(final)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise


@contextlib.contextmanager
def readable_files() -> Iterator[None]:
    """Create files that every user can read, whatever the caller's umask says."""
    before = os.umask(0o022)
    try:
        yield
    finally:
        os.umask(before)
