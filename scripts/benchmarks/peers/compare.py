"""Installs and runs the other engines, and sets their figures beside ours."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from scripts.benchmarks.vectors import Vectors, nearest
from scripts.common.paths import state_home

HERE = Path(__file__).resolve().parent
# The script of each engine, and what it needs.
PEERS = {
    "lancedb": ["lancedb", "numpy"],
    "qdrant": ["qdrant-edge-py", "numpy"],
    "pixeltable": ["pixeltable", "numpy"],
}
K = 10


def with_peers(names: list[str], vectors: Vectors, queries: Vectors, ours: dict[str, Any]) -> dict[str, Any]:
    """Return how each named engine's medians compare with ours at our recall@10, and its figures."""
    ratios: dict[str, Any] = {}
    rows: dict[str, Any] = {"ours": ours}
    with tempfile.TemporaryDirectory(prefix="polarlens-bench-") as folder:
        np.save(f"{folder}/vectors.npy", vectors)
        np.save(f"{folder}/queries.npy", queries[:200])
        np.save(f"{folder}/truth.npy", nearest(vectors, queries[:200], K))
        for name in names:
            try:
                rows[name] = measure(name, PEERS[name], folder, ours["recall@10"])
            except (OSError, subprocess.SubprocessError, ValueError) as error:
                said = getattr(error, "stderr", None) or str(error)
                ratios[f"{name} was not measured"] = said.strip()[-400:]
                continue
            for clients in ("1 client", "8 clients"):
                median = rows[name][clients]["median_ms"]
                ratios[f"{name} over ours, median, {clients}"] = round(median / ours[clients]["median_ms"], 3)
    return ratios | rows


def measure(name: str, packages: list[str], folder: str, recall: float) -> dict[str, Any]:
    """Run one engine's script in its environment and return what it prints."""
    home = state_home() / "benchmarks" / name
    python = home / "bin" / "python"
    if not (home / ".installed").exists():
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *packages], check=True)
        (home / ".installed").touch()
    done = subprocess.run(
        [str(python), str(HERE / f"{name}.py"), folder, str(recall)],
        check=True,
        capture_output=True,
        text=True,
        timeout=3600,
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))
