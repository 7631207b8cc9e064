"""What is known about the running server process, from its pid file and /proc."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Postmaster:
    """The main process of a running server."""

    pid: int
    port: int
    ready: bool


def running(data: Path) -> Postmaster | None:
    """Return the server that runs on this data folder, or None.

    A crash or a reboot leaves the pid file behind, and its number may belong to another process by
    now; so the process counts only if it works in the data folder, as PostgreSQL's main process does.
    """
    lines = _pid_file(data)
    if len(lines) < 4 or not (lines[0].isdigit() and lines[3].strip().isdigit()):
        return None
    pid = int(lines[0])
    if not works_in(pid, data):
        return None
    ready = len(lines) > 7 and lines[7].strip() == "ready"
    return Postmaster(pid, int(lines[3]), ready)


def drop_stale_pid_file(data: Path) -> None:
    """Remove a pid file whose number another process has now: PostgreSQL would refuse to start.

    When no process has that number PostgreSQL sees to it itself, and better: it also makes sure that
    no session of the dead server is left.
    """
    lines = _pid_file(data)
    if lines and lines[0].isdigit():
        pid = int(lines[0])
        if Path("/proc", str(pid)).exists() and not works_in(pid, data):
            (data / "postmaster.pid").unlink(missing_ok=True)


def _pid_file(data: Path) -> list[str]:
    try:
        return (data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []


def works_in(pid: int, folder: Path) -> bool:
    """Whether that process is alive and has its working directory there."""
    try:
        return Path(f"/proc/{pid}/cwd").samefile(folder)
    except OSError:  # gone, a zombie, or somebody else's
        return False
