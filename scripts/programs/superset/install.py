"""Superset's own virtual environment."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from scripts.programs.superset.home import BiError, environment

REQUIREMENTS = Path(__file__).parent / "requirements.txt"
# What the pinned releases have wheels for.
OLDEST, NEWEST = (3, 11), (3, 12)
TAIL_LINES = 15


def install() -> Path:
    """Install what requirements.txt asks for, unless it is there, and return the environment's bin folder."""
    folder = environment()
    python = folder / "bin" / "python"
    stamp = folder / ".installed"
    wanted = REQUIREMENTS.read_text(encoding="utf-8")
    if python.exists() and stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return python.parent
    total = sum(1 for line in wanted.splitlines() if "==" in line and not line.startswith("#"))
    print(f"Installing Apache Superset ({total} packages, 900 MB, some minutes) ...", flush=True)
    _run([_base_python(), "-m", "venv", "--clear", str(folder)], "make Superset's environment", total)
    pip = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    _run([*pip, "-r", str(REQUIREMENTS)], "install Superset's packages", total)
    stamp.write_text(wanted, encoding="utf-8")
    return python.parent


def _base_python() -> str:
    candidates = [getattr(sys, "_base_executable", sys.executable), "python3.11", "python3.12"]
    check = f"import ensurepip, sys, venv; sys.exit(not {OLDEST} <= sys.version_info[:2] <= {NEWEST})"
    for candidate in candidates:
        found = shutil.which(candidate)
        if found and subprocess.run([found, "-c", check], check=False, stderr=subprocess.DEVNULL).returncode == 0:
            return found
    raise BiError(
        "Superset needs Python 3.11 or 3.12 with the module venv, and none is on PATH.\n"
        "Install it (Debian and Ubuntu: apt-get install python3.11 python3.11-venv) and start again."
    )


def _run(command: list[str], doing: str, total: int) -> None:
    lines: list[str] = []
    collected = 0
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line.rstrip())
            if line.startswith("Collecting"):
                collected += 1
                if collected % 25 == 0:
                    print(f"  {collected} of {total} packages", flush=True)
            elif line.startswith("Installing collected"):
                print("  unpacking", flush=True)
    if process.returncode != 0:
        tail = "\n".join(f"  {line}" for line in lines[-TAIL_LINES:])
        raise BiError(
            f"Could not {doing}. The end of what was said:\n{tail}\n"
            "If the registry could not be reached, look at your network or pip's index settings, and start again."
        )
