"""Processor time and memory of process trees."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import psutil


@dataclass
class Usage:
    """Busy cores on average, and the largest private memory of any one process in MB, by name of the tree."""

    cores: dict[str, float] = field(default_factory=dict)
    peak_mb: dict[str, float] = field(default_factory=dict)


def processes(root: psutil.Process) -> list[psutil.Process]:
    """Return a process and everything below it."""
    return [root, *root.children(recursive=True)]


def cpu_seconds(root: psutil.Process) -> float:
    """Return the processor time of a tree, including processes that have ended and been waited for."""
    seconds = 0.0
    for process in processes(root):
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            seconds += times.user + times.system + times.children_user + times.children_system
    return seconds


def private_mb(process: psutil.Process) -> float:
    """Return the memory of a process without what it shares with others, such as shared_buffers."""
    with contextlib.suppress(psutil.NoSuchProcess):
        memory = process.memory_info()
        return float(memory.rss - memory.shared) / 2**20
    return 0.0


@contextlib.contextmanager
def watched(roots: Mapping[str, psutil.Process]) -> Iterator[Usage]:
    """Measure process trees while the block runs; the result is complete after it."""
    usage, done = Usage(), threading.Event()

    def sample_memory() -> None:
        while not done.wait(0.25):
            for name, root in roots.items():
                usage.peak_mb[name] = max(usage.peak_mb.get(name, 0.0), *map(private_mb, processes(root)))

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
