"""What a user of the embedded server has: a checkout, variables, a connection."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from scripts.common.paths import CHECKOUT


def copy_of_checkout(folder: Path) -> Path:
    """Copy what the local server's program needs of the checkout."""
    for part in ("scripts", "alembic", "udfs"):
        shutil.copytree(CHECKOUT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(CHECKOUT / "pyproject.toml", folder)
    return folder


def small_env(**more: str) -> dict[str, str]:
    """A bare environment that still knows where packages are installed from."""
    keep = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    return keep | {"PATH": os.environ["PATH"]} | more
