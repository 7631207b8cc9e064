"""What a refresh with nothing to do costs: dbt run on a million embedded rows, over dbt's own start.

    scripts/bench unchanged [--rows 1000000]

The rows are made directly; no model is called. dbt's own start is measured as the same run on an empty table.
"""

from __future__ import annotations

import argparse
import re
import time

from scripts.benchmarks.refresh import Bench
from scripts.benchmarks.search_database import BUILD_INDEX
from scripts.common.paths import state_home

RUN = ("run", "--select", "image_embeddings")


def run(bench: Bench) -> tuple[float, float, str]:
    """Return the seconds of a whole run and of the model alone, and its last line."""
    began = time.perf_counter()
    output = bench.dbt(*RUN)
    wall = time.perf_counter() - began
    model = re.search(r"OK created sql embedding model.*? in ([\d.]+)s", output)
    line = next(line for line in output.splitlines() if "unchanged" in line)
    return wall, float(model.group(1)) if model else 0.0, line


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="scripts/bench unchanged", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args().rows
    folder = state_home() / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    bench = Bench(folder)
    bench.fresh("http://127.0.0.1:9/post", [], 512)
    bench.dbt("run", "--select", "+image_embeddings")
    empty = min(run(bench)[:2] for _ in range(3))
    with bench.connect() as connection:
        connection.execute(
            f"insert into polarlens.image_paths (path, source_version)"
            f" select '/var/photos/2024/' || n || '.jpg', '1' from generate_series(1, {rows}) as n"
        )
        connection.execute(
            """
            insert into search.image_embeddings (image_id, source_version, model_fingerprint, embedding)
            select
                image_id, hashtextextended((path || chr(31) || source_version) collate "C", 0),
                (polar_ai._model('embedding/clip_image')).fingerprint, array_fill(0.0442::real, array[512])::vector
            from search.stg_image_paths
            """
        )
        connection.execute("vacuum analyze polarlens.image_paths")
        connection.execute("vacuum analyze search.image_embeddings")
        # Not to be measured: the index on a million equal vectors.
        connection.execute(f"{BUILD_INDEX} where image_id < 0".encode())
    full = [run(bench) for _ in range(3)]
    wall, model, line = min(full)
    assert f"0 embedded, {rows} unchanged, 0 removed, 0 failed" in line, line
    more = wall - empty[0]
    print(f"{rows:,} rows, nothing to do: {wall:.2f} s; on an empty table: {empty[0]:.2f} s; more: {more:.2f} s")
    print(f"the model alone: {model:.2f} s against {empty[1]:.2f} s")
    print(line)


if __name__ == "__main__":
    main()
