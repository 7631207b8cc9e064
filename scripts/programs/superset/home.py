"""Superset's files: its state folder, its environment, its secrets."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from scripts.common.files import write_whole
from scripts.common.paths import state_home

ASSETS = Path(__file__).parent / "dashboard"


def home() -> Path:
    """Return the folder of everything that is Superset's; only its owner may enter."""
    folder = state_home() / "superset"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    return folder


def environment() -> Path:
    """Return Superset's own virtual environment; POLARLENS_SUPERSET_ENV names one to share."""
    named = os.environ.get("POLARLENS_SUPERSET_ENV")
    return Path(named).absolute() if named else home() / "environment"


def secret(name: str) -> str:
    """Return a random secret, made at its first use and kept in a file of that name for its owner only."""
    file = home() / name
    if not file.exists():
        write_whole(file, secrets.token_urlsafe(32) + "\n")
    return file.read_text("utf-8").strip()
