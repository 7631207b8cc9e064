"""What the engines' programs share. They run in environments with numpy, and without the project's packages."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from scripts.programs.bench.timing import at_once, in_turn

Search = Callable[[Any], list[int]]
K = 10


def arguments() -> tuple[Any, Any, Any, float, Path]:
    """Return vectors, queries, the true neighbours, the recall to reach, and a folder to keep things in."""
    folder = Path(sys.argv[1])
    return (*(np.load(folder / f"{name}.npy") for name in ("vectors", "queries", "truth")), float(sys.argv[2]), folder)


def report(searches: dict[str, Search], queries: Any, truth: Any, recall: float, **more: Any) -> None:
    """Print the figures of the first search, cheapest first, that reaches ``recall``, or of the last, as JSON."""
    reached, setting = 0.0, ""
    for setting, search in searches.items():  # noqa: B007 - the one it stops at is the one that counts
        found = [search(query) for query in queries]
        reached = float(np.mean([len(set(a) & set(b)) / K for a, b in zip(found, truth.tolist(), strict=True)]))
        if reached >= recall - 0.001:
            break

    def call(number: int) -> None:
        searches[setting](queries[number % len(queries)])

    one = in_turn({setting: call}, len(queries))[setting]
    eight = at_once({setting: lambda: call}, 8, len(queries))[setting]
    figures = {
        "1 client": one.as_dict(),
        "8 clients": eight.as_dict(),
        "setting": setting,
        "recall@10": round(reached, 4),
    }
    print(json.dumps(figures | more))
