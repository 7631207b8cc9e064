"""Sizing: how much room and time so many photos take, measured on this machine.

    scripts/bench sizing                          10,000 and 100,000 photos of 512 dimensions, halfvec
    scripts/bench sizing --rows 1000000           a million: minutes of building, some 3 GB of memory
    scripts/bench sizing --json sizing.json       the figures as JSON, too

Rows and vectors are made up (see vectors.py); tables, index and search are the project's own. What is per row
carries over to other machines; seconds do not.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from pathlib import Path
from typing import Any

import psycopg

from scripts.benchmarks import search_database as database
from scripts.benchmarks.search_measures import OURS, Searcher
from scripts.benchmarks.timing import in_turn
from scripts.benchmarks.vectors import Vectors, as_literal, clustered

QUERIES = 100
COLUMNS = {
    "rows": "{:,}",
    "staging_mb": "{:.1f}",
    "embeddings_mb": "{:.1f}",
    "index_mb": "{:.1f}",
    "build_memory_mb": "{:.0f}",
    "build_seconds": "{:.1f}",
    "search_ms": "{:.2f}",
}
HEADINGS = (
    "| photos | staging table, MB | embeddings, MB | HNSW index, MB | memory to build it, MB | build, s | search, ms |"
)


def main() -> int:
    """Measure the sizes that the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000], help="how many photos (10000 100000)")
    parser.add_argument("--dimension", type=int, default=512, help="of the embeddings (512)")
    parser.add_argument("--json", type=Path, help="where to keep the figures")
    arguments = parser.parse_args()
    sizes = sorted(arguments.rows)

    everything = clustered(sizes[-1] + QUERIES, arguments.dimension)
    vectors, queries = everything[: sizes[-1]], everything[sizes[-1] :]
    env = database.recreate()
    try:
        with database.text_model(queries) as url:
            database.install(env, url, arguments.dimension)
            with database.connect(env) as connection:
                figures = {
                    "machine": {"processors": os.cpu_count(), "platform": platform.platform()},
                    "server": connection.execute("select version()").fetchone()[0],  # type: ignore[index]
                    "dimension": arguments.dimension,
                    "storage": "halfvec",
                    "sizes": [measure(env, connection, vectors[:size], queries) for size in sizes],
                }
    finally:
        database.drop(env)
    print("\n".join(table(figures["sizes"])))
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")
    return 0


def measure(
    env: dict[str, str], connection: psycopg.Connection[Any], vectors: Vectors, queries: Vectors
) -> dict[str, Any]:
    """Fill the project's tables with so many rows, build the index, search; return the figures."""
    print(f"{len(vectors):,} photos: loading", flush=True)
    started = time.perf_counter()
    database.load(connection, vectors)
    loaded = time.perf_counter() - started
    memory = graph_bytes(len(vectors), vectors.shape[1])
    notices: list[str] = []
    connection.add_notice_handler(lambda said: notices.append(said.message_primary or ""))
    print(f"{len(vectors):,} photos: building the index", flush=True)
    index = database.build(connection, database.INDEX, database.BUILD_INDEX, memory=f"{max(memory // 1024, 1024)}kB")
    call = Searcher(env, OURS, lambda n: as_literal(queries[n % len(queries)]))
    latency = in_turn({"ours": call}, QUERIES)["ours"]
    staging, embeddings = connection.execute(
        "select pg_total_relation_size('polarlens.image_paths'),"
        " pg_total_relation_size('search.image_embeddings') - pg_relation_size(%s::regclass)",
        [database.INDEX],
    ).fetchone()  # type: ignore[misc]
    return {
        "rows": len(vectors),
        "staging_mb": staging / 2**20,
        "embeddings_mb": embeddings / 2**20,
        "index_mb": index["megabytes"],
        "build_memory_mb": memory / 2**20,
        # A graph that outgrows its memory takes many times as long; pgvector says so.
        "graph_fitted": not any("no longer fits" in notice for notice in notices),
        "load_seconds": round(loaded, 1),
        "build_seconds": index["build_seconds"],
        "search_ms": latency.median,
    }


def graph_bytes(rows: int, dimension: int, m: int = 16) -> int:
    """Return what the refresh gives a build of that many halfvec rows (size_index_memory), a tenth to spare."""
    return int(rows * (160 + dimension * 2 + m * 2 * 16 * 1.2) * 1.1)


def table(sizes: list[dict[str, Any]]) -> list[str]:
    """Return the figures as a Markdown table."""
    lines = ["", HEADINGS, "|" + "---|" * len(COLUMNS)]
    for size in sizes:
        cells = [form.format(size[name]) for name, form in COLUMNS.items()]
        lines.append("| " + " | ".join(cells) + (" |" if size["graph_fitted"] else " | (the graph did not fit)"))
    return lines


if __name__ == "__main__":
    raise SystemExit(main())
