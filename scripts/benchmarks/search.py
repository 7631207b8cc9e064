"""Search: our functions against pgvector by hand, the article's layout, and other engines.

    scripts/bench search                      100,000 vectors of 512 dimensions, clustered, seeded
    scripts/bench search --count 1000000 --parts ours,filters,text
                                              a million: many minutes of building, gigabytes of memory
    scripts/bench search --peers              LanceDB, Qdrant and pixeltable too, each in an environment of its own

Prints ratios first, within one run: a machine's milliseconds are its own. --json FILE keeps everything.
"""

from __future__ import annotations

import argparse
import json
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psycopg

from scripts.benchmarks import search_database as database
from scripts.benchmarks.peers import compare
from scripts.benchmarks.timing import Call, Latency, at_once, in_turn
from scripts.benchmarks.vectors import Vectors, as_literal, clustered, nearest

DIMENSION, K, QUERIES = 512, 10, 400
OURS = "select * from search.search_images_by_vector(%s, k => 10)"
# What somebody who knows pgvector well writes: narrow table, half precision, prepared, the vector a parameter.
BY_HAND = """
    select e.image_id, 1 - (e.embedding <=> %s::halfvec) as score, p.path, p.title, p.caption, p.taken_at,
        p.latitude, p.longitude, p.attributes
    from search.image_embeddings as e
    inner join polarlens.image_paths as p on e.image_id = p.image_id
    order by e.embedding <=> %s::halfvec
    limit 10
"""
ARTICLE = (
    "select id, url from article.images order by embedding <-> article.clip_text_embedding(%s)::vector(512) limit 10"
)


def main() -> int:
    """Run the benchmark that the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=100_000, help="how many vectors (100000)")
    parser.add_argument("--rounds", type=int, default=300, help="searches each (300)")
    parser.add_argument("--parts", default="ours,filters,text,indexes,article", help="what to measure, of these (all)")
    parser.add_argument("--peers", action="store_true", help="compare with other engines, installed on demand")
    parser.add_argument("--json", type=Path, help="where to keep all figures")
    parser.add_argument("--keep", action="store_true", help="leave the database behind")
    arguments = parser.parse_args()

    print(f"{arguments.count:,} x {DIMENSION}, clustered; {platform.processor() or platform.machine()}", flush=True)
    everything = clustered(arguments.count + QUERIES, DIMENSION)
    vectors, queries = everything[: arguments.count], everything[arguments.count :]
    env = database.recreate()
    figures: dict[str, Any] = {"count": arguments.count, "dimension": DIMENSION}
    with database.text_model(queries) as url:
        database.install(env, url, DIMENSION)
        with database.connect(env) as connection:
            figures["growth"] = growth(env, connection, vectors, queries, arguments.rounds // 3)
            figures["index"] = {"halfvec": figures["growth"][-1]["index"]}
            figures["ours"] = against_hand_written(env, vectors, queries, arguments.rounds)
            show("Our function against pgvector by hand", figures["ours"])
            parts = arguments.parts.split(",")
            if "filters" in parts:
                figures["filters"] = filters(connection, vectors, queries)
                show("Filters, by the share that matches", figures["filters"])
            if "text" in parts:
                figures["text"] = query_text(env, arguments.rounds)
                show("A query in words: cold and cached, of a model that answers at once", figures["text"])
            if "indexes" in parts:
                figures["index"] |= other_indexes(connection, vectors, queries, arguments.rounds // 3)
                show("Indexes", figures["index"])
            if "article" in parts:
                figures["article"] = article(env, connection, arguments.rounds // 3)
                show("The article's layout, the function in ORDER BY", figures["article"])
    if arguments.peers:
        figures["peers"] = compare.all_peers(vectors, queries, figures["ours"])
        show("Other engines", figures["peers"])
    if not arguments.keep:
        database.drop(env)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")
    return 0


def searcher(env: dict[str, str], statement: str, values: Callable[[int], list[Any]], *settings: str) -> Call:
    """Return a call that runs a prepared statement on a connection of its own and returns the first column."""
    connection = database.connect(env)
    connection.execute("load 'vector'")
    for setting in settings:
        connection.execute(f"set {setting}".encode())

    def call(number: int) -> list[Any]:
        rows = connection.execute(statement.encode(), values(number), prepare=True).fetchall()
        return [row[0] for row in rows]

    return call


def against_hand_written(env: dict[str, str], vectors: Vectors, queries: Vectors, rounds: int) -> dict[str, Any]:
    """Return latencies, one client in turn and eight at once, and the recall of both."""
    literals = [as_literal(query) for query in queries]

    def one(number: int) -> list[Any]:
        return [literals[number % len(literals)]]

    by_hand = "hnsw.ef_search = 200", "hnsw.iterative_scan = relaxed_order"
    makers: dict[str, Callable[[], Call]] = {
        "by_hand": lambda: searcher(env, BY_HAND, lambda n: one(n) * 2, *by_hand),
        "ours": lambda: searcher(env, OURS.replace("select *", "select image_id, score, path"), one),
    }
    calls = {name: make() for name, make in makers.items()}
    latencies = in_turn(calls, rounds)
    result: dict[str, Any] = {
        "ratio_median_1_client": round(latencies["ours"].median / latencies["by_hand"].median, 3),
    }
    eight = {name: at_once(make, 8, max(20, rounds // 4)) for name, make in makers.items()}
    result["ratio_throughput_8_clients"] = round(eight["ours"][1] / eight["by_hand"][1], 3)
    for name, latency in latencies.items():
        result[name] = {
            "1 client": ms(latency),
            "8 clients": ms(eight[name][0]) | {"per_second": round(eight[name][1])},
        }
    # The function returns image_id first here, as the statement by hand does.
    truth = nearest(vectors, queries[:200], K) + 1
    for name, call in calls.items():
        hits = [len(set(call(n)) & set(row.tolist())) for n, row in enumerate(truth)]
        result[name]["recall@10"] = round(float(np.mean(hits)) / K, 4)
    return result


def growth(
    env: dict[str, str], connection: psycopg.Connection[Any], vectors: Vectors, queries: Vectors, rounds: int
) -> list[dict[str, Any]]:
    """Fill with 10,000, 100,000 … up to all, and measure our function at each size; leaves the last."""
    sizes = [size for size in (10_000, 100_000) if size < len(vectors)] + [len(vectors)]
    points = []
    for size in sizes:
        index = database.fill(connection, vectors[:size])
        call = searcher(env, OURS, lambda n: [as_literal(queries[n % len(queries)])])
        latency = in_turn({"ours": call}, max(rounds, 50))["ours"]
        points.append({"count": size, "ours": ms(latency), "index": index})
        print(f"  {size:,}: {points[-1]}", flush=True)
    return points


def filters(connection: psycopg.Connection[Any], vectors: Vectors, queries: Vectors) -> dict[str, Any]:
    """Return latency and recall of time windows in which 50 % to 0.01 % of the photos lie."""
    result: dict[str, Any] = {}
    for share in (0.5, 0.1, 0.01, 0.001, 0.0001):
        count = max(K, int(len(vectors) * share))
        row = connection.execute(
            "select (timestamptz '2000-01-01' + %s * interval '1 minute')::text", [count + 1]
        ).fetchone()
        assert row is not None
        window = json.dumps({"taken_before": row[0]})
        statement = "select image_id from search.search_images_by_vector(%s, k => 10, filters => %s)"
        truth = nearest(vectors[:count], queries[:50], K) + 1
        hits = []

        def call(number: int) -> None:
            rows = connection.execute(statement, [as_literal(queries[number % 50]), window], prepare=True).fetchall()  # noqa: B023
            if len(rows) != K:
                raise RuntimeError(f"{len(rows)} rows, not {K}")
            hits.append(len({row[0] for row in rows} & set(truth[number % 50].tolist())))  # noqa: B023

        latency = in_turn({"filtered": call}, 50)["filtered"]
        result[f"{share:.2%}"] = ms(latency) | {"recall@10": round(float(np.mean(hits)) / K, 4)}
    return result


def query_text(env: dict[str, str], rounds: int) -> dict[str, Any]:
    """Return what a text costs that is new to the session, and one that is not, against its vector."""
    cold = searcher(env, "select * from search.search_images(%s)", lambda n: [f"{n} cold"])
    cached = searcher(env, "select * from search.search_images(%s)", lambda n: ["1 cached"])
    vector = searcher(env, OURS, lambda n: [stored])
    with database.connect(env) as connection:
        row = connection.execute("select search.query_vector('1 cached')::text").fetchone()
    assert row is not None
    stored = row[0]
    latencies = in_turn({"cold": cold, "cached": cached, "vector": vector}, rounds)
    return {
        "cached_over_vector": round(latencies["cached"].median / latencies["vector"].median, 2),
        "cold_over_vector": round(latencies["cold"].median / latencies["vector"].median, 2),
    } | {name: ms(latency) for name, latency in latencies.items()}


def other_indexes(
    connection: psycopg.Connection[Any], vectors: Vectors, queries: Vectors, rounds: int
) -> dict[str, Any]:
    """Return size, build time, latency and recall of vector, and of bits with the best 20 per result ranked again."""
    connection.execute(
        "create table if not exists public.as_vector (image_id bigint primary key, embedding vector(512))"
    )
    connection.execute(
        "alter table public.as_vector alter column embedding set storage plain; truncate public.as_vector"
    )
    connection.execute("insert into public.as_vector select image_id, embedding::vector from search.image_embeddings")
    result: dict[str, Any] = {
        "vector": database.build(
            connection,
            "public.as_vector_hnsw",
            "create index as_vector_hnsw on public.as_vector using hnsw (embedding vector_cosine_ops)",
        ),
        "bit": database.build(
            connection,
            "search.image_embeddings_bits",
            "create index image_embeddings_bits on search.image_embeddings "
            "using hnsw ((binary_quantize(embedding)::bit(512)) bit_hamming_ops)",
        ),
    }
    connection.execute("analyze public.as_vector; set hnsw.ef_search = 200; set hnsw.iterative_scan = relaxed_order")
    statements = {
        "halfvec": "select image_id from search.image_embeddings order by embedding <=> %s::halfvec limit 10",
        "vector": "select image_id from public.as_vector order by embedding <=> %s::vector limit 10",
        "bit": """
            select n.image_id from (
                select image_id, embedding from search.image_embeddings
                order by binary_quantize(embedding)::bit(512) <~> binary_quantize(%s::halfvec)::bit(512) limit 200
            ) as n order by n.embedding <=> %s::halfvec limit 10
        """,
    }
    truth = nearest(vectors, queries[:100], K) + 1
    hits: dict[str, list[int]] = {name: [] for name in statements}

    def caller(name: str) -> Call:
        def call(number: int) -> None:
            literal = as_literal(queries[number % 100])
            arguments = [literal] * statements[name].count("%s")
            rows = connection.execute(statements[name].encode(), arguments, prepare=True).fetchall()
            hits[name].append(len({row[0] for row in rows} & set(truth[number % 100].tolist())))

        return call

    for name, latency in in_turn({name: caller(name) for name in statements}, max(rounds, 100)).items():
        result.setdefault(name, {})
        result[name] |= ms(latency) | {"recall@10": round(float(np.mean(hits[name])) / K, 4)}
    connection.execute("drop table public.as_vector; drop index search.image_embeddings_bits")
    return result


def article(env: dict[str, str], connection: psycopg.Connection[Any], rounds: int) -> dict[str, Any]:
    """Return our search in words against the article's statement (ascending, as it would find anything)."""
    connection.execute(
        """
        create schema article;
        create table article.images (id bigint primary key, url text, embedding vector(512));
        insert into article.images
        select e.image_id, p.path, e.embedding::vector
        from search.image_embeddings as e inner join polarlens.image_paths as p on e.image_id = p.image_id;
        create function article.clip_text_embedding(text text) returns real[] language sql immutable as $$
            select array(select jsonb_array_elements_text(polar_ai.ai_callmodel('embedding/clip_text', $1)))::real[]
        $$;
        """
    )
    index = database.build(
        connection,
        "article.images_l2",
        "create index images_l2 on article.images using hnsw (embedding vector_l2_ops)",
    )
    connection.execute("analyze article.images")
    calls = {
        "article": searcher(env, ARTICLE, lambda n: [f"{n} article"]),
        "ours": searcher(env, "select * from search.search_images(%s)", lambda n: [f"{n} article"]),
    }
    latencies = in_turn(calls, rounds)
    descending = searcher(env, ARTICLE.replace("limit", "desc limit"), lambda n: [f"{n} article"])
    as_printed = in_turn({"desc": descending}, 5)["desc"]
    return {
        "ours_over_article": round(latencies["ours"].median / latencies["article"].median, 3),
        "ours_over_article_as_printed_desc": round(latencies["ours"].median / as_printed.median, 4),
        "index": index,
        "as_printed_desc": ms(as_printed),
    } | {name: ms(latency) for name, latency in latencies.items()}


def ms(latency: Latency) -> dict[str, float]:
    """Return a latency for the table."""
    return {"median_ms": round(latency.median, 3), "p99_ms": round(latency.p99, 3)}


def show(title: str, figures: dict[str, Any]) -> None:
    """Print one table."""
    print(f"\n{title}")
    for name, value in figures.items():
        print(f"  {name:36} {json.dumps(value)}", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
