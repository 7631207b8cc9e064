"""A file lock that the programs run under it hold too."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from scripts.common.errors import UserError
from scripts.common.service import wait_for

LOCK_SECONDS = 300


@contextlib.contextmanager
def locked(path: Path, waiting: Callable[[], None] = lambda: None) -> Iterator[int]:
    """Hold an exclusive lock on the file ``path`` and yield its descriptor.

    Pass the descriptor on to the programs run meanwhile (``pass_fds``, which filelock has no way for): if this process
    is killed, the lock lasts until they have ended, so that no other start cleans up under them. ``waiting`` is called
    once if another process holds the lock.

    Raises:
        UserError: the other holder did not finish within five minutes.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)

    def take() -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    try:
        if not take():
            waiting()
            if not wait_for(take, LOCK_SECONDS, 0.05):
                raise UserError(
                    f"Another process has held {path} for {LOCK_SECONDS} s while preparing the server.\n"
                    f"Find it with `fuser {path}`, let it finish or end it, and try again."
                )
        yield descriptor
    finally:
        os.close(descriptor)
