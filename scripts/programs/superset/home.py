"""Where Superset's files are: its state folder, its secrets, its environment."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from scripts.common.paths import state_home

ASSETS = Path(__file__).parent / "dashboard"


class BiError(Exception):
    """A command could not do its work; the message is for people."""


def home() -> Path:
    """Return the folder for everything of Superset's, made so that only its owner may enter."""
    folder = state_home() / "superset"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    return folder


def environment() -> Path:
    """Return Superset's own virtual environment; POLARLENS_SUPERSET_ENV names one to share."""
    named = os.environ.get("POLARLENS_SUPERSET_ENV")
    return Path(named).absolute() if named else home() / "environment"


def secret(name: str) -> str:
    """Return a random secret, made when it is first asked for and kept where only the owner reads it."""
    file = home() / name
    if not file.exists():
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
            opened.write(secrets.token_urlsafe(32) + "\n")
    return file.read_text(encoding="utf-8").strip()
