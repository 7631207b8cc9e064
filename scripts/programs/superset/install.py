"""Superset's own virtual environment."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from scripts.common.errors import UserError, indented
from scripts.common.programs import run_shown
from scripts.programs.superset.home import environment

REQUIREMENTS = Path(__file__).parent / "requirements.txt"
# The versions of Python that the pinned releases have wheels for.
OLDEST, NEWEST = (3, 11), (3, 12)


def install() -> Path:
    """Install what requirements.txt lists, unless it is there, and return the environment's bin folder."""
    folder = environment()
    python = folder / "bin" / "python"
    stamp = folder / ".installed"
    wanted = REQUIREMENTS.read_text("utf-8")
    if python.exists() and stamp.exists() and stamp.read_text("utf-8") == wanted:
        return python.parent
    total = sum(1 for line in wanted.splitlines() if "==" in line and not line.startswith("#"))
    print(f"Installing Apache Superset ({total} packages, 900 MB, some minutes) ...", flush=True)
    _run([_base_python(), "-m", "venv", "--clear", str(folder)], "make Superset's environment", total)
    pip = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    _run([*pip, "-r", str(REQUIREMENTS)], "install Superset's packages", total)
    stamp.write_text(wanted, "utf-8")
    return python.parent


def _base_python() -> str:
    check = f"import ensurepip, sys, venv; sys.exit(not {OLDEST} <= sys.version_info[:2] <= {NEWEST})"
    for candidate in (getattr(sys, "_base_executable", sys.executable), "python3.11", "python3.12"):
        found = shutil.which(candidate)
        if found and subprocess.run([found, "-c", check], check=False, stderr=subprocess.DEVNULL).returncode == 0:
            return found
    raise UserError(
        "Superset needs Python 3.11 or 3.12 with the module venv, and none is on PATH.\n"
        "Install it (Debian and Ubuntu: apt-get install python3.11 python3.11-venv) and start again."
    )


def _run(command: list[str], action: str, total: int) -> None:
    collected = 0

    def show(line: str) -> None:
        nonlocal collected
        collected += line.startswith("Collecting")
        if line.startswith("Collecting") and collected % 25 == 0:
            print(f"  {collected} of {total} packages", flush=True)
        elif line.startswith("Installing collected"):
            print("  unpacking", flush=True)

    code, lines = run_shown(command, show)
    if code != 0:
        raise UserError(
            f"Could not {action}. The end of its output:\n{indented(lines, 15)}\n"
            "If the registry could not be reached, look at your network or pip's index settings, and start again."
        )
