"""Against exact search: recall, exactly k rows whatever the filter, and what the planner does.

By default on 20,000 made-up vectors; `-m slow` repeats it on 100,000, as halfvec and as vector, and on what the
starter model makes of 20,000 captions.
"""

from __future__ import annotations

import itertools
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import psycopg
import pytest
from psycopg import sql

from scripts.benchmarks import vectors as made_up
from scripts.clip import classes
from scripts.clip.sentences import SentenceEncoder
from tests.dbt.conftest import Project
from tests.search.conftest import connect_reader
from tests.support.database import Database, new_database

DAY = "timestamptz '2026-01-01'"


@dataclass
class Collection:
    """A database with many vectors, and the same vectors here."""

    database: Database
    vectors: made_up.Vectors
    queries: made_up.Vectors

    def search(self, connection: psycopg.Connection[Any], query: made_up.Vectors, **arguments: Any) -> list[int]:
        """Return the keys that search_images_by_vector finds, in order."""
        named = "".join(f", {name} => %({name})s" for name in arguments)
        rows = connection.execute(
            f"select rank, image_id, score from search.search_images_by_vector(%(query)s{named})".encode(),
            {"query": made_up.as_literal(query), **arguments},
        ).fetchall()
        assert [row[0] for row in rows] == list(range(1, len(rows) + 1))
        assert all(a[2] >= b[2] for a, b in itertools.pairwise(rows))
        return [row[1] for row in rows]

    def truth(self, query: made_up.Vectors, k: int, among: int | None = None) -> list[int]:
        """Return the keys of the k most similar among the first ``among``."""
        some = self.vectors[:among]
        return [int(at) + 1 for at in made_up.nearest(some, query[None, :], min(k, len(some)))[0]]


def captions(count: int) -> made_up.Vectors:
    """Return what the starter model makes of captions about the things and scenes it knows, as CLIP would be asked."""
    places = ["in the snow", "at night", "on a table", "beside a road", "in a garden", "under water", "in the sun"]
    random = np.random.default_rng(7)
    texts = {
        f"{classes.phrasings(int(one))[0]} and {classes.phrasings(int(other))[0]} {random.choice(places)}"
        for one, other in random.integers(0, classes.CLASSES, (count * 2, 2))
    }
    return made_up.unit(SentenceEncoder().encode(sorted(texts)[:: max(1, len(texts) // count)][:count]))


def fill(database: Database, everything: made_up.Vectors, storage: str) -> Collection:
    """Replace what dbt embedded by all but 200 of the vectors, the photo n taken n minutes into the year."""
    random = np.random.default_rng(7)
    everything = everything[random.permutation(len(everything))]
    count, dimension = len(everything) - 200, everything.shape[1]
    database.run("drop index search.image_embeddings__hnsw")
    database.run("truncate search.image_embeddings; truncate polarlens.image_paths restart identity")
    database.run(
        f"alter table search.image_embeddings alter column embedding type {storage}({dimension}) using null::{storage}"
    )
    database.run(
        f"""
        insert into polarlens.image_paths (path, taken_at, title)
        select '/photos/' || n || '.jpg', {DAY} + n * interval '1 minute', 'photo ' || n
        from generate_series(1, {count}) as n
        """
    )
    table = sql.SQL("search.image_embeddings")
    made_up.load_embeddings(database.connection, table, everything[:count], half=storage == "halfvec")
    database.run("set maintenance_work_mem = '1GB'")
    database.run(
        f"create index image_embeddings__hnsw on search.image_embeddings using hnsw (embedding {storage}_cosine_ops)"
    )
    database.run("analyze search.image_embeddings")
    database.run("analyze polarlens.image_paths")
    return Collection(database, everything[:count], everything[count:])


@pytest.fixture(
    scope="module",
    params=[
        (20_000, "halfvec", "clustered"),
        pytest.param((100_000, "halfvec", "clustered"), marks=pytest.mark.slow),
        pytest.param((100_000, "vector", "clustered"), marks=pytest.mark.slow),
        pytest.param((20_000, "halfvec", "captions"), marks=pytest.mark.slow),
    ],
    ids=lambda value: "-".join(map(str, value)),
)
def collection(request: pytest.FixtureRequest, built: Project, server: dict[str, str]) -> Iterator[Collection]:
    count, storage, kind = request.param
    if kind == "captions":
        everything = captions(count + 200)
    else:
        everything = made_up.clustered(count + 200, clusters=max(50, count // 100))
    source = built.database
    source.connection.close()
    with new_database(server, source.env["PGDATABASE"]) as database:
        source.connection = source.connect()
        if storage == "vector":
            rewrite_functions(database)
        yield fill(database, everything, storage)


def rewrite_functions(database: Database) -> None:
    """Have the search functions take vector, as dbt builds them where storage is vector."""
    for signature, definition in database.rows(
        """
        select oid::regprocedure::text, pg_get_functiondef(oid) from pg_proc
        where pronamespace = 'search'::regnamespace and proname ~ 'by_vector|like'
        """
    ):
        if "search_images" in signature:
            database.run(f"drop function {signature} cascade")
            database.connection.execute(definition.replace("halfvec", "vector").encode())


@pytest.fixture
def connection(collection: Collection) -> Iterator[psycopg.Connection[Any]]:
    with collection.database.connect() as opened:
        yield opened


def test_recall_at_the_default_settings(collection: Collection, connection: psycopg.Connection[Any]) -> None:
    for k, least in ((10, 0.99), (100, 0.98), (1000, 0.97)):
        recalls = [
            len(set(collection.search(connection, query, k=k)) & set(collection.truth(query, k))) / k
            for query in collection.queries[: 200 if k == 10 else 20]
        ]
        print(f"recall@{k}: {np.mean(recalls):.4f}")
        assert np.mean(recalls) >= least


@pytest.mark.parametrize("selectivity", [0.5, 0.01, 0.001, 0.0001])
def test_exactly_k_rows_when_k_match(
    collection: Collection, connection: psycopg.Connection[Any], selectivity: float
) -> None:
    matching = max(1, int(len(collection.vectors) * selectivity))
    before = connection.execute(f"select ({DAY} + %s * interval '1 minute')::text", [matching + 1]).fetchone()
    filters = f'{{"taken_before": "{before[0]}"}}'  # type: ignore[index]
    for k in (1, 10, 100, 1000):
        recalls = []
        for query in collection.queries[:5]:
            found = collection.search(connection, query, k=k, filters=filters)
            assert len(found) == len(set(found)) == min(k, matching)
            assert max(found) <= matching
            recalls.append(len(set(found) & set(collection.truth(query, k, matching))) / len(found))
        print(f"{selectivity:.2%} match, k {k}: recall {np.mean(recalls):.3f}")
        assert np.mean(recalls) >= 0.9


def test_exactly_k_rows_where_the_matches_are_far_away_and_the_planner_is_wrong(
    collection: Collection, connection: psycopg.Connection[Any]
) -> None:
    """The 50 photos least like the query, by a title that the statistics have not seen."""
    query = collection.queries[0]
    farthest = np.argsort(collection.vectors @ query)[:50] + 1
    connection.execute("begin")
    connection.execute(
        "update polarlens.image_paths set title = 'far away' where image_id = any (%s)", [farthest.tolist()]
    )
    found = collection.search(connection, query, k=50, filters='{"words": "far away"}')
    connection.execute("rollback")
    assert set(found) == set(farthest.tolist())
    assert found == [int(key) for key in farthest[::-1]]


def test_exactly_k_rows_under_row_level_security(collection: Collection) -> None:
    database = collection.database
    database.run("alter table polarlens.image_paths enable row level security")
    try:
        for share in (2, 100, 1000):
            database.run("drop policy if exists seen on polarlens.image_paths")
            database.run(
                f"create policy seen on polarlens.image_paths using (image_id %% {share} = 0)".replace("%%", "%")
            )
            visible = len(collection.vectors) // share
            for reader in connect_reader(database):
                for k in (1, 10, 100):
                    for filters in (None, "{}"):
                        found = collection.search(reader, collection.queries[0], k=k, filters=filters)
                        assert len(found) == min(k, visible)
                        assert all(key % share == 0 for key in found)
    finally:
        database.run(
            "alter table polarlens.image_paths disable row level security; drop policy seen on polarlens.image_paths"
        )


def test_exactly_k_rows_while_rows_are_deleted_and_updated(collection: Collection) -> None:
    database, stop = collection.database, threading.Event()
    changes = 0

    def change() -> None:
        nonlocal changes
        with database.connect() as writer:
            while not stop.is_set():
                # A tenth of the rows goes and comes back; others move to new places in table and index.
                writer.execute("begin")
                writer.execute("delete from search.image_embeddings where image_id %% 10 = %s", [changes % 10])
                writer.execute("rollback")
                writer.execute(
                    "update search.image_embeddings set source_version = source_version + 1 where image_id %% 200 = %s",
                    [changes % 200],
                )
                changes += 1

    thread = threading.Thread(target=change)
    thread.start()
    try:
        with database.connect() as searcher:
            for query in collection.queries[:40]:
                for k in (1, 10, 100):
                    assert len(collection.search(searcher, query, k=k)) == k
    finally:
        stop.set()
        thread.join()
    assert changes > 0
    # Deleted for good, and not vacuumed: their places in the index are not counted as results.
    with database.connect(autocommit=False) as deleter:
        query = collection.queries[0]
        gone = collection.truth(query, 2000)
        deleter.execute("delete from search.image_embeddings where image_id = any (%s)", [gone])
        assert len(collection.search(deleter, query, k=100)) == 100
        deleter.execute("delete from search.image_embeddings where image_id > 30")
        assert len(collection.search(deleter, query, k=100)) == len(set(range(1, 31)) - set(gone))
        deleter.rollback()


def plans_of(connection: psycopg.Connection[Any], statement: str) -> list[str]:
    """Run a statement and return the plans of it and of everything inside."""
    told: list[str] = []
    connection.add_notice_handler(lambda notice: told.append(notice.message_primary or ""))
    connection.execute("load 'auto_explain'")
    for setting in (
        "auto_explain.log_min_duration = 0",
        "auto_explain.log_nested_statements = on",
        "auto_explain.log_analyze = on",
        "auto_explain.log_level = notice",
    ):
        connection.execute(f"set {setting}")
    connection.execute(statement.encode()).fetchall()
    return told


@pytest.mark.parametrize("filters", ["null", "'{}'", "'{\"not_ids\": [1, 2, 3]}'"])
def test_the_index_serves_the_search_once_and_nothing_is_scanned(
    collection: Collection, connection: psycopg.Connection[Any], filters: str
) -> None:
    vector = made_up.as_literal(collection.queries[0])
    call = f"select * from search.search_images_by_vector('{vector}', k => 10, filters => {filters})"
    for _ in range(7):  # as long as a plan may change
        connection.execute(call.encode()).fetchall()
    plans = plans_of(connection, call)
    searching = [plan for plan in plans if "image_embeddings" in plan.split("Query Text:")[-1].split("->", 1)[-1]]
    scans = [re.findall(r"Index Scan using image_embeddings__hnsw.*loops=(\d+)", plan) for plan in searching]
    assert [loops for found in scans for loops in found] == ["1"]
    assert not [plan for plan in searching if "Seq Scan" in plan]


def test_in_a_lateral_join_the_index_serves_every_row(
    collection: Collection, connection: psycopg.Connection[Any]
) -> None:
    plans = plans_of(
        connection,
        """
        select p.image_id, s.image_id
        from (select * from search.image_embeddings where image_id <= 5) as p
        cross join lateral search.search_images_by_vector(p.embedding, k => 3) as s
        """,
    )
    searches = [plan for plan in plans if "Index Scan using image_embeddings__hnsw" in plan]
    assert len(searches) == 5
    assert not [plan for plan in searches if "Seq Scan" in plan]
