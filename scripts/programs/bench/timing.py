"""Latencies of things called in turn, so that what disturbs the machine disturbs them all."""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass
from typing import Any

Call = Callable[[int], Any]
TURNS = 12


@dataclass(frozen=True)
class Latency:
    """Milliseconds of one call."""

    median: float
    p99: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Latency:
        """Summarise."""
        ordered = sorted(seconds)
        return cls(statistics.median(ordered) * 1e3, ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))] * 1e3)

    def as_dict(self) -> dict[str, float]:
        """Return the figures for a table."""
        return {"median_ms": round(self.median, 3), "p99_ms": round(self.p99, 3)}


@dataclass(frozen=True)
class Throughput:
    """What several clients at once see, and get done in a second."""

    latency: Latency
    per_second: float

    def as_dict(self) -> dict[str, float]:
        """Return the figures for a table."""
        return self.latency.as_dict() | {"per_second": round(self.per_second)}


def timed(call: Call, number: int) -> float:
    """Return the seconds that one call takes."""
    started = time.perf_counter()
    call(number)
    return time.perf_counter() - started


def rotated(names: Iterable[str], by: int) -> list[str]:
    """Return the names in an order that changes with ``by``, so that no candidate always follows the same one."""
    order = list(names)
    by %= len(order)
    return order[by:] + order[:by]


def in_turn(calls: Mapping[str, Call], rounds: int) -> dict[str, Latency]:
    """Call each with 0 … rounds - 1, one after the other, and return their latencies; the first tenth is warming up."""
    timings: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(rounds):
        for name in rotated(calls, number):
            timings[name].append(timed(calls[name], number))
    return {name: Latency.of(seconds[rounds // 10 :]) for name, seconds in timings.items()}


def middle(several: Sequence[Latency]) -> Latency:
    """Return the median of the medians, and that of the 99th percentiles."""
    return Latency(*(statistics.median(values) for values in zip(*map(astuple, several), strict=True)))


def at_once(makers: Mapping[str, Callable[[], Call]], clients: int, rounds: int) -> dict[str, Throughput]:
    """Let ``clients`` threads call each ``rounds`` times, in a dozen turns, every thread with a call of its own."""
    calls = {name: [make() for _ in range(clients)] for name, make in makers.items()}
    for call in itertools.chain(*calls.values()):
        call(0)
    timings: dict[str, list[float]] = {name: [] for name in makers}
    spent = dict.fromkeys(makers, 0.0)
    each = -(-rounds // TURNS)
    for turn in range(TURNS):
        for name in rotated(makers, turn):

            def client(at: int) -> list[float]:
                first = turn * each + 37 * at  # noqa: B023 - the threads end within this turn
                return [timed(calls[name][at], number) for number in range(first, first + each)]  # noqa: B023

            started = time.perf_counter()
            with ThreadPoolExecutor(clients) as pool:
                timings[name] += itertools.chain(*pool.map(client, range(clients)))
            spent[name] += time.perf_counter() - started
    return {name: Throughput(Latency.of(timings[name]), len(timings[name]) / spent[name]) for name in makers}
