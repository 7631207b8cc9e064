"""What the search benchmark measures, each part a function that returns its figures: ratios first, then rows."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psycopg

from scripts.benchmarks import search_database as database
from scripts.benchmarks.timing import Call, Latency, Throughput, at_once, in_turn, middle
from scripts.benchmarks.vectors import Vectors, as_literal, nearest

K = 10
PAIRS = 5
OURS = """
    select image_id, score, path, title, caption, taken_at, latitude, longitude, attributes
    from search.search_images_by_vector(%(query)s, k => 10)
"""
# What somebody who knows pgvector well writes: narrow table, half precision, prepared, the vector one parameter.
BY_HAND = """
    select e.image_id, 1 - (e.embedding <=> %(query)s::halfvec) as score, p.path, p.title, p.caption, p.taken_at,
        p.latitude, p.longitude, p.attributes
    from search.image_embeddings as e
    inner join polarlens.image_paths as p on e.image_id = p.image_id
    order by e.embedding <=> %(query)s::halfvec
    limit 10
"""
AS_WE_SEARCH = ("hnsw.ef_search = 200", "hnsw.iterative_scan = relaxed_order")
IN_WORDS = "select image_id, score, path from search.search_images(%(query)s)"
ARTICLE = """
    select id, url from article.images
    order by embedding <-> article.clip_text_embedding(%(query)s)::vector(512) limit 10
"""


class Searcher:
    """A statement prepared on a connection of its own; calling it returns the first column."""

    def __init__(self, env: dict[str, str], statement: str, query: Callable[[int], str], *settings: str) -> None:
        """See the class; ``query`` gives the parameter of the call with a number."""
        self.connection = database.connect(env)
        self.connection.execute("load 'vector'")
        for setting in settings:
            self.connection.execute(f"set {setting}".encode())
        self.statement, self.query = statement.encode(), query

    def __call__(self, number: int) -> list[int]:
        """Search for the query with this number."""
        rows = self.connection.execute(self.statement, {"query": self.query(number)}, prepare=True).fetchall()
        return [row[0] for row in rows]

    def cpu_seconds(self) -> float:
        """Return what the server's process has spent on the processor; the server is on this machine."""
        schedule = Path(f"/proc/{self.connection.info.backend_pid}/schedstat")
        return int(schedule.read_text().split()[0]) / 1e9


def against_hand_written(env: dict[str, str], vectors: Vectors, queries: Vectors, rounds: int) -> dict[str, Any]:
    """Return latencies, one client at a time and eight at once, processor time and recall of both."""
    literals = [as_literal(query) for query in queries]
    makers: dict[str, Callable[[], Searcher]] = {
        "by hand": lambda: Searcher(env, BY_HAND, lambda n: literals[n % len(literals)], *AS_WE_SEARCH),
        "ours": lambda: Searcher(env, OURS, lambda n: literals[n % len(literals)]),
    }
    # One server process is a tenth faster than another, whatever it runs: several of each, and the middle one counts.
    several_of = {name: [make() for _ in range(PAIRS)] for name, make in makers.items()}
    turns: dict[str, Call] = {f"{name} {at}": several_of[name][at] for at in range(PAIRS) for name in makers}
    # Before the clocks start: plans are kept and pages are read.
    in_turn(turns, 20)
    before = {name: [call.cpu_seconds() for call in calls] for name, calls in several_of.items()}
    latencies = in_turn(turns, rounds)
    one = {name: middle([latencies[f"{name} {at}"] for at in range(PAIRS)]) for name in makers}
    spent = {
        name: statistics.median(
            (call.cpu_seconds() - already) / rounds * 1e3 for call, already in zip(calls, before[name], strict=True)
        )
        for name, calls in several_of.items()
    }
    eight = at_once(dict(makers), 8, max(20, rounds // 2))
    result: dict[str, Any] = {
        "ours over by hand, median, 1 client": ratio(one["ours"], one["by hand"]),
        "ours over by hand, median, 8 clients": ratio(eight["ours"].latency, eight["by hand"].latency),
        "ours over by hand, searches per second, 8 clients": round(
            eight["ours"].per_second / eight["by hand"].per_second, 3
        ),
        "ours over by hand, server's processor time": round(spent["ours"] / spent["by hand"], 3),
    }
    truth = nearest(vectors, queries[:200], K) + 1
    for name, (call, *_) in several_of.items():
        result[name] = {
            "1 client": ms(one[name]),
            "8 clients": several(eight[name]),
            "cpu_ms": round(spent[name], 3),
            "recall@10": recall([call(n) for n in range(len(truth))], truth),
        }
    return result


def growth(
    env: dict[str, str], connection: psycopg.Connection[Any], vectors: Vectors, queries: Vectors, rounds: int
) -> dict[str, Any]:
    """Fill with 10,000, 100,000 … up to all, and measure our function at each size; leaves the last."""
    sizes = [size for size in (10_000, 100_000) if size < len(vectors)] + [len(vectors)]
    points: dict[str, Any] = {}
    for size in sizes:
        index = database.fill(connection, vectors[:size])
        call = Searcher(env, OURS, lambda n: as_literal(queries[n % len(queries)]))
        latency = in_turn({"ours": call}, max(rounds, 50))["ours"]
        truth = nearest(vectors[:size], queries[:100], K) + 1
        found = [call(n) for n in range(len(truth))]
        points[f"{size:,}"] = ms(latency) | {"recall@10": recall(found, truth), "index": index}
        print(f"  {size:,}: {points[f'{size:,}']}", flush=True)
    first, last = (points[f"{size:,}"]["median_ms"] for size in (sizes[0], sizes[-1]))
    return {f"{sizes[-1]:,} over {sizes[0]:,}, median": round(last / first, 2)} | points


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
        found: list[list[int]] = []

        def call(number: int) -> None:
            rows = connection.execute(statement, [as_literal(queries[number % 50]), window], prepare=True).fetchall()  # noqa: B023
            if len(rows) != K:
                raise RuntimeError(f"{len(rows)} rows, not {K}")
            found.append([row[0] for row in rows])  # noqa: B023

        latency = in_turn({"filtered": call}, 50)["filtered"]
        result[f"{share:.2%}"] = ms(latency) | {"rows": K, "recall@10": recall(found, truth)}
    return result


def query_text(env: dict[str, str], rounds: int) -> dict[str, Any]:
    """Return what a text costs that is new to the session, and one that is not, against its vector."""
    with database.connect(env) as connection:
        row = connection.execute("select search.query_vector('1 cached')::text").fetchone()
    assert row is not None
    stored = row[0]
    calls: dict[str, Call] = {
        "cold": Searcher(env, IN_WORDS, lambda n: f"{n} cold"),
        "cached": Searcher(env, IN_WORDS, lambda n: "1 cached"),
        "vector": Searcher(env, OURS, lambda n: stored),
    }
    latencies = in_turn(calls, rounds)
    return {
        "cached over vector, median": ratio(latencies["cached"], latencies["vector"]),
        "cold over vector, median": ratio(latencies["cold"], latencies["vector"]),
        "a cached text costs, ms": round(latencies["cached"].median - latencies["vector"].median, 3),
        "a cold text costs, ms": round(latencies["cold"].median - latencies["vector"].median, 3),
    } | {name: ms(latency) for name, latency in latencies.items()}


def indexes(connection: psycopg.Connection[Any], vectors: Vectors, queries: Vectors, rounds: int) -> dict[str, Any]:
    """Return size, build time, latency and recall of halfvec, of vector, and of bits that are ranked again."""
    connection.execute(
        """
        -- What a run that was broken off left behind.
        drop table if exists public.as_vector;
        drop index if exists search.halfvec_hnsw, search.bits_hnsw;
        create table public.as_vector (image_id bigint primary key, embedding vector(512));
        alter table public.as_vector alter column embedding set storage plain;
        insert into public.as_vector select image_id, embedding::vector from search.image_embeddings;
        analyze public.as_vector;
        """
    )
    table, method = "search.image_embeddings", "using hnsw"
    options = database.OPTIONS
    built = {
        # Beside the one that is there already, and as it is built, all on the machine as it is now.
        "halfvec": database.build(
            connection,
            "search.halfvec_hnsw",
            f"create index halfvec_hnsw on {table} {method} (embedding halfvec_cosine_ops) {options}",
        ),
        "vector": database.build(
            connection,
            "public.as_vector_hnsw",
            f"create index as_vector_hnsw on public.as_vector {method} (embedding vector_cosine_ops) {options}",
        ),
        "bit, ranked again": database.build(
            connection,
            "search.bits_hnsw",
            f"create index bits_hnsw on {table} {method}"
            f" ((binary_quantize(embedding)::bit(512)) bit_hamming_ops) {options}",
        ),
    }
    connection.execute("drop index search.halfvec_hnsw")
    for setting in AS_WE_SEARCH:
        connection.execute(f"set {setting}".encode())
    statements = {
        "halfvec": "select image_id from search.image_embeddings order by embedding <=> %(query)s::halfvec limit 10",
        "vector": "select image_id from public.as_vector order by embedding <=> %(query)s::vector limit 10",
        "bit, ranked again": """
            select n.image_id from (
                select image_id, embedding from search.image_embeddings
                order by binary_quantize(embedding)::bit(512) <~> binary_quantize(%(query)s::halfvec)::bit(512)
                limit 200
            ) as n order by n.embedding <=> %(query)s::halfvec limit 10
        """,
    }
    truth = nearest(vectors, queries[:100], K) + 1
    found: dict[str, list[list[int]]] = {name: [] for name in statements}

    def caller(name: str) -> Call:
        def call(number: int) -> None:
            query = {"query": as_literal(queries[number % 100])}
            rows = connection.execute(statements[name].encode(), query, prepare=True).fetchall()
            found[name].append([row[0] for row in rows])

        return call

    latencies = in_turn({name: caller(name) for name in statements}, max(rounds, 100))
    connection.execute("drop table public.as_vector; drop index search.bits_hnsw")
    size = {name: index["megabytes"] for name, index in built.items()}
    seconds = {name: index["build_seconds"] for name, index in built.items()}
    return {
        "vector over halfvec, size": round(size["vector"] / size["halfvec"], 2),
        "bit over halfvec, size": round(size["bit, ranked again"] / size["halfvec"], 2),
        "vector over halfvec, build time": round(seconds["vector"] / seconds["halfvec"], 2),
        "bit over halfvec, build time": round(seconds["bit, ranked again"] / seconds["halfvec"], 2),
        "vector over halfvec, median": ratio(latencies["vector"], latencies["halfvec"]),
        "bit over halfvec, median": ratio(latencies["bit, ranked again"], latencies["halfvec"]),
    } | {
        name: built[name] | ms(latency) | {"recall@10": recall(found[name], truth)}
        for name, latency in latencies.items()
    }


def article(
    env: dict[str, str], connection: psycopg.Connection[Any], vectors: Vectors, queries: Vectors, rounds: int
) -> dict[str, Any]:
    """Return our search in words against the article's layout: as printed, ascending, and at our recall."""
    connection.execute(
        """
        drop schema if exists article cascade;
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

    def maker(statement: str, *settings: str) -> Callable[[], Call]:
        return lambda: Searcher(env, statement, lambda n: f"{n} article", *settings)

    makers = {
        "ours": maker(IN_WORDS),
        "article": maker(ARTICLE),
        "article, ef_search 200": maker(ARTICLE, "hnsw.ef_search = 200"),
    }
    calls = {name: make() for name, make in makers.items()}
    one = in_turn(calls, rounds)
    eight = at_once(makers, 8, max(20, rounds // 2))
    as_printed = in_turn({"desc": maker(ARTICLE.replace("limit", "desc limit"))()}, 5)["desc"]
    truth = nearest(vectors, queries[:100], K) + 1
    result: dict[str, Any] = {}
    for name in ("article", "article, ef_search 200"):
        result[f"ours over {name}, median, 1 client"] = ratio(one["ours"], one[name])
        result[f"ours over {name}, median, 8 clients"] = ratio(eight["ours"].latency, eight[name].latency)
    result["ours over article as printed (desc), median"] = ratio(one["ours"], as_printed)
    for name, call in calls.items():
        result[name] = {
            "1 client": ms(one[name]),
            "8 clients": several(eight[name]),
            "recall@10": recall([call(n) for n in range(len(truth))], truth),
        } | ({"index": index} if name == "article" else {})
    result["article as printed (desc)"] = {"1 client": ms(as_printed)}
    connection.execute("drop schema article cascade")
    return result


def recall(found: list[list[int]], truth: Any) -> float:
    """Return the share of the true neighbours that were found; searches go through the queries, over and over."""
    hits = [len(set(keys) & set(truth[n % len(truth)].tolist())) for n, keys in enumerate(found)]
    return round(float(np.mean(hits)) / K, 4)


def ratio(latency: Latency, other: Latency) -> float:
    """Return how the medians compare."""
    return round(latency.median / other.median, 3)


def ms(latency: Latency) -> dict[str, float]:
    """Return a latency for the table."""
    return {"median_ms": round(latency.median, 3), "p99_ms": round(latency.p99, 3)}


def several(throughput: Throughput) -> dict[str, float]:
    """Return what several clients see for the table."""
    return ms(throughput.latency) | {"per_second": round(throughput.per_second)}
