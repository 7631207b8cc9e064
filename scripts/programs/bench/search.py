"""Search: our functions against pgvector by hand, the article's layout, and other engines.

    scripts/bench search                      100,000 vectors of 512 dimensions, clustered, seeded
    scripts/bench search --count 1000000 --parts ours,filters,text
                                              a million: many minutes of building, gigabytes of memory
    scripts/bench search --peers              LanceDB, Qdrant and pixeltable too, each in an environment of its own
    scripts/bench search --keep               leaves the database behind, and --reuse measures on it again

Prints ratios first, within one run: a machine's milliseconds are its own.
"""

from __future__ import annotations

import argparse
import os
import platform
from collections.abc import Callable, Collection
from typing import Any

from scripts.programs.bench import database, search_parts
from scripts.programs.bench.peers import compare
from scripts.programs.bench.search_data import Data, check_kept
from scripts.programs.bench.services import text_model
from scripts.programs.bench.tables import show

DIMENSION, QUERIES = 512, 400
PARTS = {
    "ours": ("Our function against pgvector by hand, the vector given", search_parts.against_hand_written),
    "filters": ("Filters, by the share that matches", search_parts.filters),
    "text": ("A query in words: cold and cached, of a model that answers at once", search_parts.query_text),
    "indexes": ("Indexes: halfvec, vector, and bits of which 200 are ranked again", search_parts.indexes),
    "article": ("The article's layout, the function in ORDER BY, against our search in words", search_parts.article),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line."""
    parts, peers = ",".join(PARTS), ",".join(compare.PEERS)
    parser.add_argument("--count", type=int, default=100_000, help="how many vectors (100000)")
    parser.add_argument("--rounds", type=int, default=300, help="searches each (300)")
    parser.add_argument("--parts", type=names_of(PARTS), default=parts, help=f"what to measure, of {parts} (all)")
    peers_help = f"other engines, installed on demand: of {peers} (all)"
    parser.add_argument("--peers", type=names_of(compare.PEERS), nargs="?", const=peers, default="", help=peers_help)
    parser.add_argument("--keep", action="store_true", help="leave the database behind")
    parser.add_argument("--reuse", action="store_true", help="measure on what --keep left behind; leaves it again")


def names_of(known: Collection[str]) -> Callable[[str], list[str]]:
    """Return a reader of an argument that is some of the known names, joined by commas."""

    def parse(text: str) -> list[str]:
        names = [name for name in text.split(",") if name]
        if unknown := set(names) - set(known):
            raise argparse.ArgumentTypeError(f"there is no {', '.join(unknown)}: choose of {', '.join(known)}")
        return names

    return parse


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Build the database unless it is there, and measure; print each part when it is done."""
    machine = f"{os.cpu_count()} x {platform.processor() or platform.machine()}"
    print(f"{options.count:,} x {DIMENSION}, clustered, seeded; {machine}", flush=True)
    data = Data(options.count, QUERIES, DIMENSION)
    figures: dict[str, Any] = {"count": options.count, "dimension": DIMENSION, "machine": machine}
    parts = [part for part in PARTS if part in options.parts or (part == "ours" and options.peers)]

    database.use("polarlens_bench_search")
    with text_model(data.queries) as url:
        if options.reuse:
            check_kept(options.count)
            with database.connect() as connection:
                connection.execute("update polar_ai.models set model_url = %s", [url])
        else:
            database.create()
            database.register_models(url, DIMENSION)
            database.dbt("run")
            figures["growth"] = search_parts.growth(data, options.rounds)
            show("Growth: our function, and the index under it", figures["growth"])
        for part in parts:
            title, measure = PARTS[part]
            figures[part] = measure(data, options.rounds)
            show(title, figures[part])
    if options.peers:
        figures["peers"] = compare.with_peers(options.peers, data.vectors, data.queries, figures["ours"]["ours"])
        show("Other engines, at our recall@10", figures["peers"])
    if not options.keep and not options.reuse:
        database.drop()
    return figures
