"""The running server's process, by its pid file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True)
class Postmaster:
    """The main process of a running server."""

    pid: int
    port: int
    ready: bool


def running(data: Path) -> Postmaster | None:
    """Return the server that runs on this data folder, or None.

    A crash or a reboot leaves the pid file behind, and another process may have its number by now; so the
    process counts only if it works in the data folder, as PostgreSQL's main process does.
    """
    lines = _pid_file(data)
    if len(lines) < 4 or not (lines[0].isdigit() and lines[3].strip().isdigit()):
        return None
    pid = int(lines[0])
    if not works_in(pid, data):
        return None
    return Postmaster(pid, int(lines[3]), ready=len(lines) > 7 and lines[7].strip() == "ready")


def drop_stale_pid_file(data: Path) -> None:
    """Remove a pid file if another process has its number: PostgreSQL would refuse to start.

    If no process has that number, PostgreSQL handles the file itself, and better: it also checks that
    no session of the dead server is left.
    """
    lines = _pid_file(data)
    if lines and lines[0].isdigit() and psutil.pid_exists(int(lines[0])) and not works_in(int(lines[0]), data):
        (data / "postmaster.pid").unlink(missing_ok=True)


def works_in(pid: int, folder: Path) -> bool:
    """Tell whether that process is alive and has its working directory there."""
    try:
        return Path(psutil.Process(pid).cwd()).samefile(folder)
    except (psutil.Error, OSError):  # gone, a zombie, or another user's
        return False


def _pid_file(data: Path) -> list[str]:
    try:
        return (data / "postmaster.pid").read_text("utf-8").splitlines()
    except FileNotFoundError:
        return []
