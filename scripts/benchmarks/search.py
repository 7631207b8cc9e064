"""Search: our functions against pgvector by hand, the article's layout, and other engines.

    scripts/bench search                      100,000 vectors of 512 dimensions, clustered, seeded
    scripts/bench search --count 1000000 --parts ours,filters,text
                                              a million: many minutes of building, gigabytes of memory
    scripts/bench search --peers              LanceDB, Qdrant and pixeltable too, each in an environment of its own
    scripts/bench search --keep               leaves the database behind, and --reuse measures on it again

Prints ratios first, within one run: a machine's milliseconds are its own. --json FILE keeps everything.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from pathlib import Path
from typing import Any

from scripts.benchmarks import search_database as database
from scripts.benchmarks import search_measures as measures
from scripts.benchmarks.peers import compare
from scripts.benchmarks.tables import show
from scripts.benchmarks.vectors import clustered

DIMENSION, QUERIES = 512, 400
PARTS, PEERS = "ours,filters,text,indexes,article", ",".join(compare.PEERS)


def main() -> int:
    """Run the benchmark that the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=100_000, help="how many vectors (100000)")
    parser.add_argument("--rounds", type=int, default=300, help="searches each (300)")
    parser.add_argument("--parts", default=PARTS, help=f"what to measure, of {PARTS} (all)")
    parser.add_argument(
        "--peers", nargs="?", const=PEERS, default="", help=f"other engines, installed on demand: of {PEERS} (all)"
    )
    parser.add_argument("--json", type=Path, help="where to keep all figures")
    parser.add_argument("--keep", action="store_true", help="leave the database behind")
    parser.add_argument("--reuse", action="store_true", help="measure on what --keep left behind; leaves it again")
    arguments = parser.parse_args()
    for chosen, known in ((arguments.parts, PARTS), (arguments.peers, PEERS)):
        if unknown := set(filter(None, chosen.split(","))) - set(known.split(",")):
            parser.error(f"there is no {', '.join(sorted(unknown))}: choose of {known}")

    figures = measure(arguments)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")
    return 0


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """Build the database unless it is there, and measure; print each part when it is done."""
    count, rounds, parts = arguments.count, arguments.rounds, arguments.parts.split(",")
    machine = f"{os.cpu_count()} x {platform.processor() or platform.machine()}"
    print(f"{count:,} x {DIMENSION}, clustered, seeded; {machine}", flush=True)
    everything = clustered(count + QUERIES, DIMENSION)
    vectors, queries = everything[:count], everything[count:]
    figures: dict[str, Any] = {"count": count, "dimension": DIMENSION, "machine": machine}

    env = database.existing(count) if arguments.reuse else database.recreate()
    with database.text_model(queries) as url, database.connect(env) as connection:
        if arguments.reuse:
            database.move_model(env, url)
        else:
            database.install(env, url, DIMENSION)
            figures["growth"] = measures.growth(env, connection, vectors, queries, rounds // 3)
            show("Growth: our function, and the index under it", figures["growth"])
        if "ours" in parts or arguments.peers:
            figures["ours"] = measures.against_hand_written(env, vectors, queries, rounds)
            show("Our function against pgvector by hand, the vector given", figures["ours"])
        if "filters" in parts:
            figures["filters"] = measures.filters(connection, vectors, queries)
            show("Filters, by the share that matches", figures["filters"])
        if "text" in parts:
            figures["text"] = measures.query_text(env, rounds)
            show("A query in words: cold and cached, of a model that answers at once", figures["text"])
        if "indexes" in parts:
            figures["indexes"] = measures.indexes(connection, vectors, queries, rounds // 3)
            show("Indexes: halfvec, vector, and bits of which 200 are ranked again", figures["indexes"])
        if "article" in parts:
            figures["article"] = measures.article(env, connection, vectors, queries, rounds // 3)
            show("The article's layout, the function in ORDER BY, against our search in words", figures["article"])
    if arguments.peers:
        figures["peers"] = compare.with_peers(arguments.peers.split(","), vectors, queries, figures["ours"]["ours"])
        show("Other engines, at our recall@10", figures["peers"])
    if not arguments.keep and not arguments.reuse:
        database.drop(env)
    return figures


if __name__ == "__main__":
    raise SystemExit(main())
