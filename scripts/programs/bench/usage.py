"""Processor time and memory of process trees."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import psutil


@dataclass
class Usage:
    """Busy cores on average, and the largest private memory of any one process in MB, by name of the tree."""

    cores: dict[str, float] = field(default_factory=dict)
    peak_mb: dict[str, float] = field(default_factory=dict)


def tree(root: psutil.Process) -> list[dict[str, Any]]:
    """Return processor times and memory of a process and everything below it."""
    rows = []
    for process in (root, *root.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            rows.append(process.as_dict(["cpu_times", "memory_info"]))
    return rows


def cpu_seconds(root: psutil.Process) -> float:
    """Return the processor time of a tree, including processes that have ended and been waited for."""
    # User, system, and both of the children.
    return sum(sum(row["cpu_times"][:4]) for row in tree(root))


def private_mb(root: psutil.Process) -> float:
    """Return the largest memory of a process of the tree, without what it shares, such as shared_buffers."""
    return float(max(row["memory_info"].rss - row["memory_info"].shared for row in tree(root))) / 2**20


@contextlib.contextmanager
def watched(roots: Mapping[str, psutil.Process]) -> Iterator[Usage]:
    """Measure process trees while the block runs; the result is complete after it."""
    usage, done = Usage(), threading.Event()

    def sample_memory() -> None:
        while not done.wait(0.25):
            for name, root in roots.items():
                usage.peak_mb[name] = max(usage.peak_mb.get(name, 0.0), private_mb(root))

    sampler = threading.Thread(target=sample_memory, daemon=True)
    before = {name: cpu_seconds(root) for name, root in roots.items()}
    began = time.perf_counter()
    sampler.start()
    try:
        yield usage
    finally:
        seconds = time.perf_counter() - began
        usage.cores = {name: (cpu_seconds(root) - before[name]) / seconds for name, root in roots.items()}
        done.set()
        sampler.join()
