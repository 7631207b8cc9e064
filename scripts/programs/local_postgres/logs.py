"""The server's log files, and what they say about a failed start."""

from __future__ import annotations

from pathlib import Path

START_LOG = "start.log"


class LogWatch:
    """Remembers where the logs end now, to tell later what came after."""

    def __init__(self, folder: Path) -> None:
        """Note the size of every log file in the folder."""
        self.folder = folder
        self.sizes = {path: path.stat().st_size for path in folder.glob("*.log")}

    def added(self) -> list[str]:
        """Return the lines written since, start.log (before the log files are open) first."""
        lines: list[str] = []
        for path in sorted(self.folder.glob("*.log"), key=lambda path: path.name != START_LOG):
            with path.open("rb") as file:
                before = self.sizes.get(path, 0)
                # Smaller than before: rotated meanwhile, all of it is new.
                file.seek(before if path.stat().st_size >= before else 0)
                text = file.read().decode(errors="replace")
            lines += [line for line in text.splitlines() if "logging collector" not in line]
        return [line for line in lines if 'in directory "' not in line]


def newest(folder: Path) -> Path:
    """Return the log file being written."""
    files = sorted(folder.glob("postgresql-*.log"), key=lambda path: path.stat().st_mtime)
    return files[-1] if files else folder / START_LOG
