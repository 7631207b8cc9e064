"""What the embedded server's modules raise for people to read."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

NO_SPACE = os.strerror(errno.ENOSPC)


class LocalPostgresError(Exception):
    """Something about the embedded server failed; the message says what, why and what to do next."""


def explain(doing: str, error: OSError, place: Path) -> LocalPostgresError:
    """Turn an operating system error met while ``doing`` something under ``place`` into our own."""
    where = error.filename or place
    if error.errno in (errno.ENOSPC, errno.EDQUOT) or NO_SPACE in str(error):
        return no_space(doing, place)
    elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        advice = f"Make {place} yours to read and write, or name another folder with POLARLENS_HOME."
    else:
        advice = "Check that folder, or name another one with POLARLENS_HOME."
    # A failed copy of many files lists them all: one says enough.
    cause = error.args[0][0][2] if isinstance(error, shutil.Error) else error.strerror or error
    return LocalPostgresError(f"While {doing}: {cause}: {where}\n{advice}")


def no_space(doing: str, place: Path) -> LocalPostgresError:
    """Say that the disk was full while ``doing`` something under ``place``."""
    return LocalPostgresError(
        f"While {doing}: no space left on the disk of {place}; the server needs about 250 MB to begin with.\n"
        "Free some, or name a folder on another disk with POLARLENS_HOME."
    )
