"""scripts/bench sizing, on few rows: that it measures, and that its figures fit together."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.common.paths import CHECKOUT
from scripts.programs.bench.sizing import graph_bytes
from tests.support.clip import ColourClip
from tests.support.database import Database
from tests.support.embedding_project import model, write_project
from tests.support.http_server import ScriptedServer


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


def test_the_memory_of_a_build_is_what_the_refresh_gives_it(
    database: Database, http_server: Callable[..., ScriptedServer], tmp_path: Path
) -> None:
    rows, dimension = 1000, 512
    database.run(
        "select polar_ai.ai_createmodel('m', %s, 'clip-as-service', 'embedding', 'colours', '{\"batch_size\": 250}')",
        http_server(ColourClip(dimension)).url,
    )
    database.run("insert into polarlens.texts (content) select 'red ' || n from generate_series(1, %s) as n", rows)
    # Less than the graph needs, so that the refresh asks for more.
    database.run(f"alter database {database.env['PGDATABASE']} set maintenance_work_mem = '1MB'")
    folder = write_project(tmp_path, texts=model("polarlens.texts", key="text_id", input="content", model="m"))
    said = database.dbt("run", cwd=folder).stdout
    given = re.search(r"maintenance_work_mem (\d+)kB", said)
    assert given and abs(int(given[1]) - graph_bytes(rows, dimension) / 1024) <= 1, said
