"""The environment that the server's processes get: made from nothing, never the caller's."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

HANDED_OVER = "POLARLENS_SERVER_ENV"


def server_env(
    postgres: Path, python: Path, packages: Path, bytecode: Path, say: Callable[[str], None]
) -> dict[str, str]:
    """Return the server's environment.

    A model's secret may be stored as ``env:NAME``, which the server reads from its own environment.
    ``POLARLENS_SERVER_ENV="NAME1,NAME2"`` names the caller's variables to hand over for that; nothing
    else of the caller's, cloud keys for example, can be read from inside the database.
    """
    env = {
        "PATH": os.defpath,
        "HOME": "/nonexistent",
        "LANG": "C.UTF-8",
        # The programs' own libraries, and the libpython that PL/Python is linked to.
        "LD_LIBRARY_PATH": f"{postgres / 'lib'}:{python / 'lib'}",
        "PYTHONHOME": str(python),
        "PYTHONPATH": str(packages),
        # Both folders belong to us and stay as they are; compiled modules are kept apart.
        "PYTHONPYCACHEPREFIX": str(bytecode),
        "PYTHONNOUSERSITE": "1",
    }
    for name in filter(None, (part.strip() for part in os.environ.get(HANDED_OVER, "").split(","))):
        if name in env:
            say(f"{HANDED_OVER} names {name}, which the server sets itself: not handed over.")
        elif name not in os.environ:
            say(f"{HANDED_OVER} names {name}, which is not set here: not handed over.")
        else:
            env[name] = os.environ[name]
    return env
