"""The parts of the search benchmark, each a function that returns its figures: ratios first, then rows."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from scripts.programs.bench import database
from scripts.programs.bench.search_data import OPTIONS, Data, build, fill
from scripts.programs.bench.timing import Call, Latency, at_once, in_turn, middle

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
    from search_internal.image_embeddings as e
    inner join polarlens.image_paths as p on e.image_id = p.image_id
    order by e.embedding <=> %(query)s::halfvec
    limit 10
"""
OUR_SETTINGS = ("hnsw.ef_search = 200", "hnsw.iterative_scan = relaxed_order")
FILTERED = "select image_id from search.search_images_by_vector(%(query)s, k => 10, filters => '{}')"
IN_WORDS = "select image_id, score, path from search.search_images(%(query)s)"
# Two more indexes beside the project's own, and one like it that is built on the machine as it is now.
INDEXES = {
    "halfvec": (
        "search_internal.halfvec_hnsw",
        "create index halfvec_hnsw on search_internal.image_embeddings using hnsw (embedding halfvec_cosine_ops)",
        "select image_id from search_internal.image_embeddings order by embedding <=> %(query)s::halfvec limit 10",
    ),
    "vector": (
        "public.as_vector_hnsw",
        "create index as_vector_hnsw on public.as_vector using hnsw (embedding vector_cosine_ops)",
        "select image_id from public.as_vector order by embedding <=> %(query)s::vector limit 10",
    ),
    "bit, ranked again": (
        "search_internal.bits_hnsw",
        """
        create index bits_hnsw on search_internal.image_embeddings
        using hnsw ((binary_quantize(embedding)::bit(512)) bit_hamming_ops)
        """,
        """
        select n.image_id from (
            select image_id, embedding from search_internal.image_embeddings
            order by binary_quantize(embedding)::bit(512) <~> binary_quantize(%(query)s::halfvec)::bit(512)
            limit 200
        ) as n order by n.embedding <=> %(query)s::halfvec limit 10
        """,
    ),
}
AS_VECTOR = """
    drop table if exists public.as_vector;
    drop index if exists search_internal.halfvec_hnsw, search_internal.bits_hnsw;
    create table public.as_vector (image_id bigint primary key, embedding vector(512));
    alter table public.as_vector alter column embedding set storage plain;
    insert into public.as_vector select image_id, embedding::vector from search_internal.image_embeddings;
    analyze public.as_vector;
"""
ARTICLE_SCHEMA = """
    drop schema if exists article cascade;
    create schema article;
    create table article.images (id bigint primary key, url text, embedding vector(512));
    insert into article.images
    select e.image_id, p.path, e.embedding::vector
    from search_internal.image_embeddings as e inner join polarlens.image_paths as p on e.image_id = p.image_id;
    create function article.clip_text_embedding(text text) returns real[] language sql immutable as $$
        select array(select jsonb_array_elements_text(polar_ai.ai_callmodel('embedding/clip_text', $1)))::real[]
    $$;
"""
ARTICLE = """
    select id, url from article.images
    order by embedding <-> article.clip_text_embedding(%(query)s)::vector(512) limit 10
"""


class Searcher:
    """A statement prepared on a connection of its own; calling it returns the first column."""

    def __init__(self, statement: str, query: Callable[[int], str], *settings: str) -> None:
        """See the class; ``query`` returns the parameter of the call with a number."""
        self.connection = database.connect()
        self.connection.execute("load 'vector'")
        for setting in settings:
            self.connection.execute(f"set {setting}".encode())
        self.statement, self.query = statement.encode(), query

    def __call__(self, number: int) -> list[int]:
        """Search for the query with this number."""
        rows = self.connection.execute(self.statement, {"query": self.query(number)}, prepare=True).fetchall()
        return [row[0] for row in rows]

    def cpu_seconds(self) -> float:
        """Return the processor time of the server's process, finer than in the ticks that psutil counts."""
        schedule = Path(f"/proc/{self.connection.info.backend_pid}/schedstat")
        return int(schedule.read_text().split()[0]) / 1e9


def growth(data: Data, rounds: int) -> dict[str, Any]:
    """Fill with 10,000, 100,000 … up to all, and measure our function at each size; leave the last."""
    total = len(data.vectors)
    sizes = [size for size in (10_000, 100_000) if size < total] + [total]
    points: dict[str, Any] = {}
    for size in sizes:
        with database.connect() as connection:
            index = fill(connection, data.vectors[:size])
        call = Searcher(OURS, data.query)
        latency = in_turn({"ours": call}, max(rounds // 3, 50))["ours"]
        point = latency.as_dict() | recall(call, data.neighbours(100, K, size)) | {"index": index}
        print(f"  {size:,}: {point}", flush=True)
        points[f"{size:,}"] = point
    medians = [point["median_ms"] for point in points.values()]
    return {f"{sizes[-1]:,} over {sizes[0]:,}, median": round(medians[-1] / medians[0], 2)} | points


def against_hand_written(data: Data, rounds: int) -> dict[str, Any]:
    """Return latencies, one client at a time and eight at once, processor time and recall of both."""
    makers: dict[str, Callable[[], Searcher]] = {
        "by hand": partial(Searcher, BY_HAND, data.query, *OUR_SETTINGS),
        "ours": partial(Searcher, OURS, data.query),
    }
    # One server process is a tenth faster than another, whatever it runs: take the middle of several of each.
    searchers = {name: [make() for _ in range(PAIRS)] for name, make in makers.items()}
    turns: dict[str, Call] = {f"{name} {at}": searchers[name][at] for at in range(PAIRS) for name in makers}
    # Let plans be kept and pages be read before the clocks start.
    in_turn(turns, 20)
    before = {name: [call.cpu_seconds() for call in calls] for name, calls in searchers.items()}
    latencies = in_turn(turns, rounds)
    one = {name: middle([latencies[f"{name} {at}"] for at in range(PAIRS)]) for name in makers}
    cpu_ms = {
        name: statistics.median(
            (call.cpu_seconds() - start) / rounds * 1e3 for call, start in zip(calls, before[name], strict=True)
        )
        for name, calls in searchers.items()
    }
    eight = at_once(makers, 8, max(20, rounds // 2))
    truth = data.neighbours(200, K)
    return {
        "ours over by hand, median, 1 client": ratio(one["ours"], one["by hand"]),
        "ours over by hand, median, 8 clients": ratio(eight["ours"].latency, eight["by hand"].latency),
        "ours over by hand, searches per second, 8 clients": round(
            eight["ours"].per_second / eight["by hand"].per_second, 3
        ),
        "ours over by hand, server's processor time": round(cpu_ms["ours"] / cpu_ms["by hand"], 3),
    } | {
        name: {
            "1 client": one[name].as_dict(),
            "8 clients": eight[name].as_dict(),
            "cpu_ms": round(cpu_ms[name], 3),
        }
        | recall(calls[0], truth)
        for name, calls in searchers.items()
    }


def filters(data: Data, rounds: int) -> dict[str, Any]:
    """Return latency and recall of time windows in which 50 % to 0.01 % of the photos lie."""
    result: dict[str, Any] = {}
    for share in (0.5, 0.1, 0.01, 0.001, 0.0001):
        count = max(K, int(len(data.vectors) * share))
        with database.connect() as connection:
            row = connection.execute(
                "select (timestamptz '2000-01-01' + %s * interval '1 minute')::text", [count + 1]
            ).fetchone()
        assert row is not None
        call = Searcher(FILTERED.format(json.dumps({"taken_before": row[0]})), data.query)
        latency = in_turn({"filtered": call}, 50)["filtered"]
        truth = data.neighbours(50, K, count)
        rows = {len(call(number)) for number in range(len(truth))}
        if rows != {K}:
            raise RuntimeError(f"{rows} rows, not {K}")
        result[f"{share:.2%}"] = latency.as_dict() | {"rows": K} | recall(call, truth)
    return result


def query_text(data: Data, rounds: int) -> dict[str, Any]:
    """Return what a text costs that is new to the session, and one that is not, against its vector."""
    with database.connect() as connection:
        row = connection.execute("select search.query_vector('1 cached')::text").fetchone()
    assert row is not None
    stored = row[0]
    calls: dict[str, Call] = {
        "cold": Searcher(IN_WORDS, lambda n: f"{n} cold"),
        "cached": Searcher(IN_WORDS, lambda n: "1 cached"),
        "vector": Searcher(OURS, lambda n: stored),
    }
    latencies = in_turn(calls, rounds)
    cold, cached, vector = latencies.values()
    return {
        "cached over vector, median": ratio(cached, vector),
        "cold over vector, median": ratio(cold, vector),
        "a cached text costs, ms": round(cached.median - vector.median, 3),
        "a cold text costs, ms": round(cold.median - vector.median, 3),
    } | {name: latency.as_dict() for name, latency in latencies.items()}


def indexes(data: Data, rounds: int) -> dict[str, Any]:
    """Return size, build time, latency and recall of halfvec, of vector, and of bits that are ranked again."""
    with database.connect() as connection:
        connection.execute(AS_VECTOR.encode())
        built = {name: build(connection, index, f"{create} {OPTIONS}") for name, (index, create, _) in INDEXES.items()}
        connection.execute("drop index search_internal.halfvec_hnsw")
        calls = {name: Searcher(select, data.query, *OUR_SETTINGS) for name, (_, _, select) in INDEXES.items()}
        latencies = in_turn(calls, max(rounds // 3, 100))
        truth = data.neighbours(100, K)
        rows = {name: built[name] | latencies[name].as_dict() | recall(call, truth) for name, call in calls.items()}
        connection.execute("drop table public.as_vector; drop index search_internal.bits_hnsw")
    halfvec, vector, bit = rows.values()
    ratios = {}
    for figure, key in (("size", "megabytes"), ("build time", "build_seconds"), ("median", "median_ms")):
        ratios[f"vector over halfvec, {figure}"] = round(vector[key] / halfvec[key], 2)
        ratios[f"bit over halfvec, {figure}"] = round(bit[key] / halfvec[key], 2)
    return ratios | rows


def article(data: Data, rounds: int) -> dict[str, Any]:
    """Return our search in words against the article's layout: as printed, ascending, and at our recall."""
    with database.connect() as connection:
        connection.execute(ARTICLE_SCHEMA.encode())
        create = "create index images_l2 on article.images using hnsw (embedding vector_l2_ops)"
        index = build(connection, "article.images_l2", create)
        connection.execute("analyze article.images")

        def query(number: int) -> str:
            return f"{number} article"

        makers: dict[str, Callable[[], Searcher]] = {
            "ours": partial(Searcher, IN_WORDS, query),
            "article": partial(Searcher, ARTICLE, query),
            "article, ef_search 200": partial(Searcher, ARTICLE, query, "hnsw.ef_search = 200"),
        }
        calls = {name: make() for name, make in makers.items()}
        one = in_turn(calls, rounds // 3)
        eight = at_once(makers, 8, max(20, rounds // 6))
        as_printed = in_turn({"desc": Searcher(ARTICLE.replace("limit", "desc limit"), query)}, 5)["desc"]
        truth = data.neighbours(100, K)
        rows: dict[str, Any] = {
            name: {"1 client": one[name].as_dict(), "8 clients": eight[name].as_dict()} | recall(call, truth)
            for name, call in calls.items()
        }
        connection.execute("drop schema article cascade")
    rows["article"]["index"] = index
    rows["article as printed (desc)"] = {"1 client": as_printed.as_dict()}
    ratios = {}
    for name in ("article", "article, ef_search 200"):
        ratios[f"ours over {name}, median, 1 client"] = ratio(one["ours"], one[name])
        ratios[f"ours over {name}, median, 8 clients"] = ratio(eight["ours"].latency, eight[name].latency)
    ratios["ours over article as printed (desc), median"] = ratio(one["ours"], as_printed)
    return ratios | rows


def recall(call: Searcher, truth: list[set[int]]) -> dict[str, float]:
    """Return the share of the true neighbours that a search finds, for the table."""
    hits = sum(len(keys.intersection(call(number))) for number, keys in enumerate(truth))
    return {"recall@10": round(hits / (K * len(truth)), 4)}


def ratio(latency: Latency, other: Latency) -> float:
    """Return how the medians compare."""
    return round(latency.median / other.median, 3)
