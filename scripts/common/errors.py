"""Failures that a person at the terminal has to understand, and the one place that prints them."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from scripts.common.paths import state_home

NO_SPACE = os.strerror(errno.ENOSPC)
DENIED = (errno.EACCES, errno.EPERM, errno.EROFS)


class UserError(Exception):
    """Say what failed, why, and what to do next."""


def exit_status(main: Callable[[], int]) -> int:
    """Run a program; print what it failed with; return its exit status."""
    try:
        with explaining("running this", state_home()):
            return main()
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def indented(text: str | list[str], count: int = 10) -> str:
    """Return the last ``count`` lines of a text as a quotation."""
    lines = text.strip().splitlines() if isinstance(text, str) else text
    return "\n".join(f"    {line}" for line in lines[-count:])


@contextlib.contextmanager
def explaining(action: str, folder: Path) -> Iterator[None]:
    """Turn an operating system error into a UserError; ``action`` in ``folder`` was under way.

    Raises:
        UserError: an OSError was raised inside the block.
    """
    try:
        yield
    except OSError as error:
        raise explain(action, error, folder) from error


def explain(action: str, error: OSError, folder: Path) -> UserError:
    """Return a UserError for an operating system error during ``action`` in ``folder``."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT) or NO_SPACE in str(error):
        return no_space(action, folder)
    advice = "Check that folder, or name another one with POLARLENS_HOME."
    if error.errno in DENIED:
        advice = f"Make {folder} yours to read and write, or name another folder with POLARLENS_HOME."
    # A failed copy of many files lists them all; the first one is enough.
    cause = error.args[0][0][2] if isinstance(error, shutil.Error) else error.strerror or error
    return UserError(f"While {action}: {cause}: {error.filename or folder}\n{advice}")


def no_space(action: str, folder: Path) -> UserError:
    """Return a UserError for a full disk during ``action`` in ``folder``."""
    return UserError(
        f"While {action}: no space left on the disk of {folder}.\n"
        "Free some, or name a folder on another disk with POLARLENS_HOME. "
        "The database server needs about 250 MB to begin with."
    )
