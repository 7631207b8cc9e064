"""How much memory a session's process takes while something runs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.database import Database

reads_memory = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read off Linux's /proc")


@contextmanager
def most_memory(db: Database) -> Iterator[list[int]]:
    """Watch the session's process; the list's one entry is the most memory of its own that it had, in MB."""
    status = Path(f"/proc/{db.value('select pg_backend_pid()')}/status")
    seen, ended = [0], threading.Event()

    def watch() -> None:
        while not ended.wait(0.01):
            (line,) = (line for line in status.read_text().splitlines() if line.startswith("RssAnon"))
            seen[0] = max(seen[0], int(line.split()[1]) // 1024)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        ended.set()
        watcher.join()
