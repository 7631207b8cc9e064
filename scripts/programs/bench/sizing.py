"""Sizing: how much room and time so many photos take, measured on this machine.

    scripts/bench sizing                          10,000 and 100,000 photos of 512 dimensions, halfvec
    scripts/bench sizing --rows 1000000           a million: minutes of building, some 3 GB of memory
    scripts/bench sizing --json sizing.json       the figures as JSON, too

Rows and vectors are made up (see vectors.py); tables, index and search are the project's own. What is per row
carries over to other machines; seconds do not.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from typing import Any

from scripts.programs.bench import database
from scripts.programs.bench.database import Connection
from scripts.programs.bench.search_data import BUILD_INDEX, INDEX, Data, build, load
from scripts.programs.bench.search_parts import OURS, Searcher
from scripts.programs.bench.services import text_model
from scripts.programs.bench.timing import in_turn
from scripts.programs.bench.vectors import Vectors

QUERIES = 100
# Of the table: the figure, how it is printed, its heading.
COLUMNS = (
    ("rows", "{:,}", "photos"),
    ("staging_mb", "{:.1f}", "staging table, MB"),
    ("embeddings_mb", "{:.1f}", "embeddings, MB"),
    ("index_mb", "{:.1f}", "HNSW index, MB"),
    ("build_memory_mb", "{:.0f}", "memory to build it, MB"),
    ("build_seconds", "{:.1f}", "build, s"),
    ("search_ms", "{:.2f}", "search, ms"),
)
SIZES = """
    select
        pg_total_relation_size('polarlens.image_paths'),
        pg_total_relation_size('search_internal.image_embeddings') - pg_relation_size(%s::regclass)
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line."""
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000], help="how many photos (10000 100000)")
    parser.add_argument("--dimension", type=int, default=512, help="of the embeddings (512)")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Measure every size, in a database that is dropped again, and print the table."""
    data = Data(max(options.rows), QUERIES, options.dimension)
    database.use("polarlens_bench_sizing")
    database.create()
    try:
        with text_model(data.queries) as url, database.connect() as connection:
            database.register_models(url, options.dimension)
            database.dbt("run")
            sizes = [measure(connection, data, data.vectors[:rows]) for rows in sorted(options.rows)]
            version = connection.execute("select version()").fetchone()
    finally:
        database.drop()
    print("\n".join(table(sizes)))
    return {
        "machine": {"processors": os.cpu_count(), "platform": platform.platform()},
        "server": version[0] if version else None,
        "dimension": options.dimension,
        "storage": "halfvec",
        "sizes": sizes,
    }


def measure(connection: Connection, data: Data, vectors: Vectors) -> dict[str, Any]:
    """Fill the project's tables with the vectors, build the index, search; return the figures."""
    print(f"{len(vectors):,} photos: loading", flush=True)
    started = time.perf_counter()
    load(connection, vectors)
    load_seconds = time.perf_counter() - started
    memory = graph_bytes(len(vectors), vectors.shape[1])
    notices: list[str] = []
    connection.add_notice_handler(lambda notice: notices.append(notice.message_primary or ""))
    print(f"{len(vectors):,} photos: building the index", flush=True)
    index = build(connection, INDEX, BUILD_INDEX, memory=f"{max(memory // 1024, 1024)}kB")
    latency = in_turn({"ours": Searcher(OURS, data.query)}, QUERIES)["ours"]
    row = connection.execute(SIZES.encode(), [INDEX]).fetchone()
    assert row is not None
    return {
        "rows": len(vectors),
        "staging_mb": row[0] / 2**20,
        "embeddings_mb": row[1] / 2**20,
        "index_mb": index["megabytes"],
        "build_memory_mb": memory / 2**20,
        # A graph that outgrows its memory takes many times as long; pgvector says so.
        "graph_fitted": not any("no longer fits" in notice for notice in notices),
        "load_seconds": round(load_seconds, 1),
        "build_seconds": index["build_seconds"],
        "search_ms": latency.median,
    }


def graph_bytes(rows: int, dimension: int, m: int = 16) -> int:
    """Return what the refresh gives a build of that many halfvec rows (size_index_memory), a tenth to spare."""
    return int(rows * (160 + dimension * 2 + m * 2 * 16 * 1.2) * 1.1)


def table(sizes: list[dict[str, Any]]) -> list[str]:
    """Return the figures as a Markdown table."""
    lines = ["", "| " + " | ".join(heading for _, _, heading in COLUMNS) + " |", "|" + "---|" * len(COLUMNS)]
    for size in sizes:
        cells = " | ".join(form.format(size[name]) for name, form, _ in COLUMNS)
        lines.append(f"| {cells} |" if size["graph_fitted"] else f"| {cells} | (the graph did not fit)")
    return lines
