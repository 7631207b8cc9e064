"""What a refresh with nothing to do costs: dbt run on a million embedded rows, over dbt's own start.

    scripts/bench unchanged [--rows 1000000]

The rows are made directly; no model is called. dbt's own start is measured as the same run on an empty table.
"""

from __future__ import annotations

import argparse
import re
import time
from typing import Any

from scripts.programs.bench import database
from scripts.programs.bench.search_data import BUILD_INDEX

STAGE = """
    insert into polarlens.image_paths (path, source_version)
    select '/var/photos/2024/' || n || '.jpg', '1' from generate_series(1, %s) as n
"""
EMBED = """
    insert into search_internal.image_embeddings (image_id, source_version, model_fingerprint, embedding)
    select
        image_id, hashtextextended((path || chr(31) || source_version) collate "C", 0),
        (polar_ai._model('embedding/clip_image')).fingerprint, array_fill(0.0442::real, array[512])::vector
    from search_internal.stg_image_paths
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line."""
    parser.add_argument("--rows", type=int, default=1_000_000)


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Measure both tables, the best of three runs each."""
    rows = options.rows
    database.use("bench_refresh")
    database.create()
    database.register_models("http://127.0.0.1:9/post", 512)
    database.dbt("run", "--select", "+image_embeddings")
    empty_wall, empty_model, _ = min(refresh() for _ in range(3))
    with database.connect() as connection:
        connection.execute(STAGE.encode(), [rows])
        connection.execute(EMBED.encode())
        connection.execute("vacuum analyze polarlens.image_paths")
        connection.execute("vacuum analyze search_internal.image_embeddings")
        # A partial index: that of a million equal vectors is not to be measured.
        connection.execute(f"{BUILD_INDEX} where image_id < 0".encode())
    wall, model, line = min(refresh() for _ in range(3))
    assert f"0 embedded, {rows} unchanged, 0 removed, 0 failed" in line, line
    more = wall - empty_wall
    print(f"{rows:,} rows, nothing to do: {wall:.2f} s; on an empty table: {empty_wall:.2f} s; more: {more:.2f} s")
    print(f"the model alone: {model:.2f} s against {empty_model:.2f} s")
    print(line)
    return {
        "rows": rows,
        "seconds": {"wall": wall, "model": model},
        "empty_seconds": {"wall": empty_wall, "model": empty_model},
    }


def refresh() -> tuple[float, float, str]:
    """Return the seconds of a whole run and of the model alone, and the model's last line."""
    began = time.perf_counter()
    output = database.dbt("run", "--select", "image_embeddings")
    wall = time.perf_counter() - began
    model = re.search(r"OK created sql embedding model.*? in ([\d.]+)s", output)
    line = next(line for line in output.splitlines() if "unchanged" in line)
    return wall, float(model[1]) if model else 0.0, line
