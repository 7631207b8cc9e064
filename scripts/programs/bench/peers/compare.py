"""Installs and runs the other engines, and sets their figures beside ours."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from typing import Any

import numpy as np

from scripts.common.paths import CHECKOUT, state_home
from scripts.programs.bench.vectors import Vectors, nearest

# The package of each engine; its program is with_NAME.py.
PEERS = {"lancedb": "lancedb", "qdrant": "qdrant-edge-py", "pixeltable": "pixeltable"}


def with_peers(names: list[str], vectors: Vectors, queries: Vectors, ours: dict[str, Any]) -> dict[str, Any]:
    """Return how each named engine's medians compare with ours at our recall@10, and its figures."""
    ratios: dict[str, Any] = {}
    rows: dict[str, Any] = {"ours": ours}
    with tempfile.TemporaryDirectory(prefix="polarlens-bench-") as folder:
        np.save(f"{folder}/vectors.npy", vectors)
        np.save(f"{folder}/queries.npy", queries[:200])
        np.save(f"{folder}/truth.npy", nearest(vectors, queries[:200], 10))
        for name in names:
            try:
                rows[name] = measure(name, "search", folder, str(ours["recall@10"]))
            except (OSError, subprocess.SubprocessError, ValueError) as error:
                ratios[f"{name} was not measured"] = reason(error)
                continue
            for clients in ("1 client", "8 clients"):
                median = rows[name][clients]["median_ms"]
                ratios[f"{name} over ours, median, {clients}"] = round(median / ours[clients]["median_ms"], 3)
    return ratios | rows


def measure(name: str, function: str, folder: str, argument: str) -> dict[str, Any]:
    """Run a function of an engine's program in the engine's environment; return what it prints."""
    home = state_home() / "bench" / "peers" / name
    python = str(home / "bin" / "python")
    if not (home / ".installed").exists():
        print(f"Installing {name} into {home}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", PEERS[name], "numpy"], check=True)
        (home / ".installed").touch()
    done = subprocess.run(
        [python, "-P", "-c", f"from {__package__} import with_{name}; with_{name}.{function}()", folder, argument],
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        check=True,
        capture_output=True,
        text=True,
        timeout=3600,
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def reason(error: Exception) -> str:
    """Return the end of what a failed program said."""
    text: str = getattr(error, "stderr", None) or str(error)
    return text.strip()[-400:]
