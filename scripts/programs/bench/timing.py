"""Latencies of things called in turn, so that what disturbs the machine disturbs them all."""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass
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


@dataclass(frozen=True)
class Throughput:
    """What several clients at once see, and get done in a second."""

    latency: Latency
    per_second: float


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


def middle(several: Sequence[Latency]) -> Latency:
    """Return the median of the medians, and that of the 99th percentiles."""
    return Latency(*(statistics.median(values) for values in zip(*map(astuple, several), strict=True)))


def at_once(makers: dict[str, Callable[[], Call]], clients: int, rounds: int, turns: int = 12) -> dict[str, Throughput]:
    """Let ``clients`` threads call each ``rounds`` times, every thread with a call of its own, in ``turns`` turns."""
    calls = {name: [make() for _ in range(clients)] for name, make in makers.items()}
    taken: dict[str, list[float]] = {name: [] for name in makers}
    spent = dict.fromkeys(makers, 0.0)
    for call in itertools.chain(*calls.values()):
        call(0)
    each = -(-rounds // turns)
    names = list(makers)
    for turn in range(turns):
        # Nobody always comes after the same one.
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            started = time.perf_counter()
            with ThreadPoolExecutor(clients) as pool:
                for seconds in pool.map(
                    _timed, calls[name], range(turn * each, turn * each + 37 * clients, 37), [each] * clients
                ):
                    taken[name] += seconds
            spent[name] += time.perf_counter() - started
    return {name: Throughput(Latency.of(taken[name]), len(taken[name]) / spent[name]) for name in names}


def _timed(call: Call, offset: int, rounds: int) -> list[float]:
    taken = []
    for number in range(offset, offset + rounds):
        started = time.perf_counter()
        call(number)
        taken.append(time.perf_counter() - started)
    return taken
