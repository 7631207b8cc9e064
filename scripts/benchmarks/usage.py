"""Processor time and memory of whole process trees, read from /proc."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Usage:
    """What was used: cores on average, and the largest resident size of any one process, in MB, by group."""

    cores: dict[str, float] = field(default_factory=dict)
    peak_mb: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0


def _tree(roots: Iterable[int]) -> set[int]:
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            children.setdefault(int(stat[1]), []).append(int(entry.name))
    found, waiting = set(), list(roots)
    while waiting:
        process = waiting.pop()
        if process not in found:
            found.add(process)
            waiting += children.get(process, [])
    return found


def _seconds_and_mb(process: int) -> tuple[float, float]:
    try:
        stat = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        # Private and file pages; what is shared by all (shared_buffers) is not the refresh's own.
        status = dict(
            line.split(":", 1) for line in Path(f"/proc/{process}/status").read_text().splitlines() if ":" in line
        )
    except OSError:
        return 0.0, 0.0
    megabytes = (int(status.get("RssAnon", "0 kB").split()[0]) + int(status.get("RssFile", "0 kB").split()[0])) / 1024
    return (int(stat[11]) + int(stat[12])) / TICKS, megabytes


@contextmanager
def watched(groups: dict[str, int]) -> Iterator[Usage]:
    """Watch the process trees below the given processes while the block runs."""
    usage, stop = Usage(), threading.Event()
    first: dict[int, float] = {}
    last: dict[int, tuple[str, float]] = {}

    def look(begin: bool) -> None:
        for name, root in groups.items():
            for process in _tree([root]):
                seconds, megabytes = _seconds_and_mb(process)
                first.setdefault(process, seconds if begin else 0.0)
                if process not in last or seconds:
                    last[process] = (name, seconds)
                usage.peak_mb[name] = max(usage.peak_mb.get(name, 0.0), megabytes)

    def watch() -> None:
        while not stop.wait(0.25):
            look(False)

    look(True)
    began = time.perf_counter()
    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield usage
    finally:
        stop.set()
        watcher.join()
        look(False)
        usage.seconds = time.perf_counter() - began
        for process, (name, seconds) in last.items():
            used = (seconds - first[process]) / usage.seconds
            usage.cores[name] = usage.cores.get(name, 0.0) + used
