"""Latencies of things called in turn, so that what disturbs the machine disturbs them all."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Call = Callable[[int], Any]


@dataclass(frozen=True)
class Latency:
    """Milliseconds."""

    median: float
    p99: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Latency:
        """Summarise."""
        ordered = sorted(seconds)
        return cls(statistics.median(ordered) * 1e3, ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))] * 1e3)


def in_turn(calls: dict[str, Call], rounds: int) -> dict[str, Latency]:
    """Call each with 0 … rounds - 1, one after the other, and return their latencies; the first tenth is warming up."""
    taken: dict[str, list[float]] = {name: [] for name in calls}
    names = list(calls)
    for number in range(rounds):
        # Nobody always comes after the same one.
        for name in names[number % len(names) :] + names[: number % len(names)]:
            started = time.perf_counter()
            calls[name](number)
            taken[name].append(time.perf_counter() - started)
    return {name: Latency.of(seconds[rounds // 10 :]) for name, seconds in taken.items()}


def at_once(make: Callable[[], Call], clients: int, rounds: int) -> tuple[Latency, float]:
    """Let ``clients`` threads call ``rounds`` times each; return the latency and the calls per second."""
    taken: list[float] = []
    calls = [make() for _ in range(clients)]
    for call in calls:
        call(0)

    def client(call: Call, offset: int) -> None:
        for number in range(rounds):
            started = time.perf_counter()
            call(offset + number)
            taken.append(time.perf_counter() - started)

    threads = [threading.Thread(target=client, args=(call, 37 * n)) for n, call in enumerate(calls)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Latency.of(taken), len(taken) / (time.perf_counter() - started)
