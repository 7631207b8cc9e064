"""Against exact search: recall, exactly k rows whatever hides or moves the others, and what the planner does.

By default on 20,000 made-up vectors. `scripts/test -m slow -s tests/dbt_project/search/test_exactness.py` repeats it,
and prints the tables, on 100,000 as halfvec and as vector, and on what the starter model makes of captions and of real
photos.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import psycopg
import pytest

from scripts.programs.bench import vectors as made_up
from tests.dbt_project.search import large
from tests.dbt_project.search.large import Collection
from tests.support.database import Database
from tests.support.project import Project
from tests.support.reader import connect_reader

# A hundred thousand vectors take their time to be indexed.
pytestmark = pytest.mark.timeout(1800)
SHARES = (0.5, 0.01, 0.001, 0.0001)
KS = (1, 10, 100, 1000)


@pytest.fixture(
    scope="module",
    params=[
        (20_000, "halfvec", "clustered"),
        pytest.param((100_000, "halfvec", "clustered"), marks=pytest.mark.slow),
        pytest.param((100_000, "vector", "clustered"), marks=pytest.mark.slow),
        pytest.param((20_000, "halfvec", "captions"), marks=pytest.mark.slow),
        pytest.param((3_000, "halfvec", "photos"), marks=pytest.mark.slow),
    ],
    ids=lambda value: "-".join(map(str, value)),
)
def collection(
    request: pytest.FixtureRequest,
    built: Project,
    server: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Collection]:
    count, storage, kind = request.param
    made = {
        "clustered": lambda: large.clustered(count),
        "captions": lambda: large.captions(count),
        "photos": lambda: large.photos(count, tmp_path_factory.mktemp("starter")),
    }[kind]()
    with large.collection_of(*made, storage, kind, built.database, server) as filled:
        yield filled


@pytest.fixture
def connection(collection: Collection) -> Iterator[psycopg.Connection[Any]]:
    with collection.database.connect() as opened:
        yield opened


def test_recall_at_the_default_settings(collection: Collection, connection: psycopg.Connection[Any]) -> None:
    print()
    for k, least in ((10, 0.99), (100, 0.98), (1000, 0.97)):
        recalls = [
            len(set(collection.search(connection, query, k=k)) & set(collection.truth(query, k))) / k
            for query in collection.queries[: 200 if k == 10 else 20]
        ]
        print(f"{collection.name}: recall@{k} {np.mean(recalls):.4f}, worst query {min(recalls):.2f}")
        assert np.mean(recalls) >= least


def check_rows(
    collection: Collection,
    connection: psycopg.Connection[Any],
    circumstance: str,
    filters: str | None,
    matching: list[int] | None,
    queries: int = 5,
    least_recall: float | None = None,
) -> None:
    """Search for k = 1 to 1,000: exactly k rows or all that match, only such, and nearly the true ones."""
    for k in KS:
        recalls = []
        for query in collection.queries[:queries]:
            found = collection.search(connection, query, k=k, filters=filters)
            expected = collection.truth(query, k, matching)
            assert len(found) == len(set(found)) == len(expected)
            assert matching is None or set(found) <= set(matching)
            recalls.append(len(set(found) & set(expected)) / len(expected) if expected else 1)
        recall = float(np.mean(recalls))
        print(f"{collection.name}: {circumstance}, k {k}: {len(expected)} rows, recall {recall:.3f}")
        assert recall >= (least_recall or collection.least_recall)


def test_exactly_k_rows_when_k_match(collection: Collection, connection: psycopg.Connection[Any]) -> None:
    for share in SHARES:
        filters, matching = collection.first(share)
        check_rows(collection, connection, f"{share:.2%} match", filters, matching)


@pytest.mark.parametrize("followed", [False, True], ids=["from the next search on", "after the next run"])
def test_exactly_k_rows_under_row_level_security(collection: Collection, followed: bool) -> None:
    """Row-level security of the sources hides photos at once; the next `dbt run` has the embeddings follow."""
    database = collection.database
    database.run("alter table polarlens.image_paths enable row level security")
    if followed:
        database.run(
            """
            alter table search_internal.image_embeddings enable row level security;
            create policy polarlens_follows_sources on search_internal.image_embeddings for select
            using (exists (
                select from search_internal.stg_image_paths as s where s.image_id = image_embeddings.image_id
            ));
            """
        )
    try:
        for share in SHARES:
            every = round(1 / share)
            database.run("drop policy if exists seen on polarlens.image_paths")
            database.run(f"create policy seen on polarlens.image_paths using (mod(image_id, {every}) = 0)")
            visible = list(range(every, len(collection.vectors) + 1, every))
            for reader in connect_reader(database):
                # Only then does a search know that the index will bring much that it may not show.
                least = None if followed else collection.least_recall - 0.2
                shown = f"{share:.2%} visible {'(followed)' if followed else ''}"
                check_rows(collection, reader, shown, None, visible, least_recall=least)
                filters, first = collection.first(0.5)
                both = sorted(set(first) & set(visible))
                check_rows(collection, reader, f"{shown}, half match", filters, both, queries=1)
    finally:
        for table in ("polarlens.image_paths", "search_internal.image_embeddings"):
            database.run(f"alter table {table} disable row level security")
        database.run("drop policy if exists seen on polarlens.image_paths")
        database.run("drop policy if exists polarlens_follows_sources on search_internal.image_embeddings")


def test_exactly_k_rows_while_rows_are_deleted_and_updated(collection: Collection) -> None:
    with being_written(collection.database), collection.database.connect() as searcher:
        check_rows(collection, searcher, "being written, no filter", None, None, queries=10)
        for share in SHARES:
            filters, matching = collection.first(share)
            check_rows(collection, searcher, f"being written, {share:.2%} match", filters, matching, queries=2)


@contextmanager
def being_written(database: Database) -> Iterator[None]:
    """Have somebody write all the while: each transaction leaves the same vectors under the same keys."""
    stop, faults, changes = threading.Event(), [], 0

    def change() -> None:
        nonlocal changes
        try:
            with database.connect() as writer:
                while not stop.is_set():
                    # Some go and come back, some move to new places, and a tenth goes and stays after all.
                    writer.execute(
                        """
                        begin;
                        create temporary table gone on commit drop as
                        select * from search_internal.image_embeddings where mod(image_id, 500) = {part};
                        delete from search_internal.image_embeddings where mod(image_id, 500) = {part};
                        insert into search_internal.image_embeddings select * from gone;
                        commit;
                        update search_internal.image_embeddings set source_version = source_version + 1
                        where mod(image_id, 500) = {part} + 1;
                        begin;
                        delete from search_internal.image_embeddings where mod(image_id, 10) = {part} % 10;
                        rollback;
                        """.replace("{part}", str(changes % 499)).encode()
                    )
                    changes += 1
        except psycopg.Error as fault:
            faults.append(fault)

    thread = threading.Thread(target=change)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    assert not faults
    assert changes > 1
    print(f"  meanwhile {changes} rounds of writing")


def test_what_is_deleted_and_not_vacuumed_takes_nobodys_place(collection: Collection) -> None:
    with collection.database.connect(autocommit=False) as deleter:
        query = collection.queries[0]
        gone = collection.truth(query, 2000)
        deleter.execute("delete from search_internal.image_embeddings where image_id = any (%s)", [gone])
        assert len(collection.search(deleter, query, k=100)) == 100
        deleter.execute("delete from search_internal.image_embeddings where image_id > 30")
        assert len(collection.search(deleter, query, k=100)) == len(set(range(1, 31)) - set(gone))
        deleter.rollback()


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


@pytest.mark.parametrize("filters", ["null", "'{\"not_ids\": [1, 2, 3]}'"])
def test_where_the_vector_comes_from_changes_nothing(
    collection: Collection, connection: psycopg.Connection[Any], filters: str
) -> None:
    vector, storage = made_up.as_literal(collection.queries[1]), collection.storage

    def call(query: str, source: str = "") -> bytes:
        search = f"search.search_images_by_vector({query}, k => 20, filters => {filters})"
        return f"select s.image_id, s.score from {source} {search} as s order by s.rank".encode()

    expected = connection.execute(call(f"'{vector}'")).fetchall()
    assert len(expected) == 20
    elsewhere = f"language sql volatile as $$ select '{vector}'::{storage} $$"
    connection.execute(f"create function pg_temp.from_elsewhere() returns {storage} {elsewhere}".encode())
    from_v = call("v.vector", "v cross join lateral")
    for statement in (
        call("(select pg_temp.from_elsewhere())"),
        call("pg_temp.from_elsewhere()"),
        f"with v as (select '{vector}'::{storage} as vector) ".encode() + from_v,
        b"with v as materialized (select pg_temp.from_elsewhere() as vector) " + from_v,
    ):
        assert connection.execute(statement).fetchall() == expected, statement[-200:]
    # A parameter, planned for its value and, from the sixth time on, for any.
    for _ in range(10):
        assert connection.execute(call("%s"), [vector], prepare=True).fetchall() == expected
    connection.execute(f"prepare by_vector ({storage}) as ".encode() + call("$1"))
    for _ in range(10):
        assert connection.execute(f"execute by_vector ('{vector}')".encode()).fetchall() == expected
    generic = connection.execute("select generic_plans from pg_prepared_statements where name = 'by_vector'").fetchone()
    assert generic is not None
    assert generic[0] >= 5
    # Inside somebody's own function, where it is a variable.
    connection.execute(
        f"create function pg_temp.mine(vector {storage}) returns table (found bigint, similar_by real) "
        "language plpgsql stable as $$ begin return query ".encode()
        + call("vector")
        + b"; end $$"
    )
    for _ in range(10):
        assert connection.execute("select * from pg_temp.mine(%s)", [vector]).fetchall() == expected


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
        from (select * from search_internal.image_embeddings where image_id <= 5) as p
        cross join lateral search.search_images_by_vector(p.embedding, k => 3) as s
        """,
    )
    searches = [plan for plan in plans if "Index Scan using image_embeddings__hnsw" in plan]
    assert len(searches) == 5
    assert not [plan for plan in searches if "Seq Scan" in plan]
