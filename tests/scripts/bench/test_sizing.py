"""scripts/bench sizing, on few rows: that it measures, and that its figures fit together."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from scripts.common.paths import CHECKOUT
from scripts.programs.bench.sizing import graph_bytes


@pytest.mark.slow
def test_it_prints_a_table_and_writes_json(open_folder: Path) -> None:
    kept = open_folder / "sizing.json"
    env = {**os.environ, "POLARLENS_HOME": str(open_folder / "sizing")}
    try:
        done = subprocess.run(
            [str(CHECKOUT / "scripts" / "bench"), "sizing", "--rows", "3000", "1000", "--json", str(kept)],
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        small, large = json.loads(kept.read_text())["sizes"]
        assert "| 1,000 |" in done.stdout and "| 3,000 |" in done.stdout
        assert (small["rows"], large["rows"]) == (1000, 3000)
        for name in ("embeddings_mb", "index_mb", "build_memory_mb"):
            assert 2 < large[name] / small[name] < 4, name
        # A halfvec of 512 dimensions is 1,032 bytes, in the table as in the index.
        assert large["embeddings_mb"] * 2**20 > 3000 * 1032 < large["index_mb"] * 2**20
        assert large["graph_fitted"] and large["search_ms"] > 0
    finally:
        program = str(CHECKOUT / "scripts" / "local_postgres.py")
        subprocess.run([program, "destroy", "--yes"], env=env, capture_output=True, check=False)


def test_the_memory_of_a_build_is_what_the_refresh_gives_it() -> None:
    formula = (CHECKOUT / "dbt_project" / "macros" / "embedding" / "index.sql").read_text("utf-8")
    assert "(160 + " in formula and "* 2 * 16 * 1.2)" in formula and "needed * 1.1" in formula
    assert graph_bytes(1_000_000, 512) == int(1_000_000 * (160 + 1024 + 614.4) * 1.1)
