"""What the engines' scripts share; needs numpy and nothing of the project."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

K = 10


def arguments() -> tuple[Any, Any, Any, float, Path]:
    """Return vectors, queries, the true neighbours, the recall to reach, and a folder to keep things in."""
    folder = Path(sys.argv[1])
    return (*(np.load(folder / f"{name}.npy") for name in ("vectors", "queries", "truth")), float(sys.argv[2]), folder)


def report(
    searches: list[tuple[str, Callable[[Any], list[int]]]],
    queries: Any,
    truth: Any,
    recall: float,
    **more: Any,
) -> None:
    """Print the figures of the first search, cheapest first, that reaches ``recall``, or of the last, as JSON."""
    setting, search = searches[0]
    reached = 0.0
    for setting, search in searches:  # noqa: B007 - the one it stops at is the one that counts
        found = [search(query) for query in queries]
        reached = float(np.mean([len(set(a) & set(b.tolist())) / K for a, b in zip(found, truth, strict=True)]))
        if reached >= recall - 0.001:
            break
    one, _ = run(search, queries, 1)
    eight, rate = run(search, queries, 8)
    figures: dict[str, Any] = {"1 client": one, "8 clients": eight | {"per_second": round(rate)}, "setting": setting}
    print(json.dumps(figures | {"recall@10": round(reached, 4)} | more))


def run(search: Callable[[Any], list[int]], queries: Any, clients: int) -> tuple[dict[str, float], float]:
    """Return the latency, and the searches per second, of so many threads."""
    taken: list[float] = []

    def client(offset: int) -> None:
        for number in range(len(queries)):
            started = time.perf_counter()
            search(queries[(number + offset) % len(queries)])
            taken.append(time.perf_counter() - started)

    threads = [threading.Thread(target=client, args=(37 * n,)) for n in range(clients)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    spent = time.perf_counter() - started
    milliseconds = np.array(taken) * 1e3
    return {
        "median_ms": round(float(np.median(milliseconds)), 3),
        "p99_ms": round(float(np.percentile(milliseconds, 99)), 3),
    }, len(taken) / spent
