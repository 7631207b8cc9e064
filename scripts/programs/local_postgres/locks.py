"""File locks, and folders that appear whole or not at all."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from scripts.programs.local_postgres.errors import LocalPostgresError

LOCK_SECONDS = 300
UNFINISHED = ".unfinished"


@contextlib.contextmanager
def locked(path: Path, waiting: Callable[[], None] = lambda: None) -> Iterator[int]:
    """Hold an exclusive lock on the file ``path`` and yield its descriptor.

    Pass the descriptor on to the programs run meanwhile (``pass_fds``): if this process is killed,
    the lock then lasts until they have ended, and nobody cleans up under them. ``waiting`` is called
    once when somebody else holds the lock.

    Raises:
        LocalPostgresError: the other holder did not finish within five minutes.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        deadline = time.monotonic() + LOCK_SECONDS
        told = False
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not told:
                    waiting()
                    told = True
                if time.monotonic() > deadline:
                    raise LocalPostgresError(
                        f"Another process has held {path} for {LOCK_SECONDS} s while preparing the server.\n"
                        f"Find it with `fuser {path}`, let it finish or end it, and try again."
                    ) from None
                time.sleep(0.05)
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def appearing(final: Path) -> Iterator[Path]:
    """Yield a fresh folder that becomes ``final`` when the block ends well, and vanishes otherwise.

    What a killed run left half done is removed first. The caller holds the lock of the parent folder.
    """
    unfinished = final.with_name(final.name + UNFINISHED)
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
    """Create files that the server's user can read, whatever the caller's umask says."""
    before = os.umask(0o022)
    try:
        yield
    finally:
        os.umask(before)
