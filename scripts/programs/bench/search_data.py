"""What the search benchmarks search in: made-up vectors in the project's own tables and index."""

from __future__ import annotations

import time
from functools import cached_property

import psycopg
from psycopg import sql

from scripts.common.errors import UserError
from scripts.programs.bench import database
from scripts.programs.bench.database import Connection
from scripts.programs.bench.vectors import Vectors, as_literal, clustered, load_embeddings, nearest

CITIES = 10
INDEX = "search_internal.image_embeddings__hnsw"
# As `dbt run` builds it.
OPTIONS = "with (m='16', ef_construction='128')"
BUILD_INDEX = f"""
    create index image_embeddings__hnsw on search_internal.image_embeddings
    using hnsw (embedding halfvec_cosine_ops) {OPTIONS}
"""
STAGE = """
    insert into polarlens.image_paths (path, taken_at, attributes)
    select
        '/photos/' || n || '.jpg', timestamptz '2000-01-01' + n * interval '1 minute',
        jsonb_build_object('city', n % {cities})
    from generate_series(1, {count}) as n
"""


class Data:
    """``count`` vectors to search in, and others to search for; the same at every run."""

    def __init__(self, count: int, queries: int, dimension: int = 512) -> None:
        everything = clustered(count + queries, dimension)
        self.vectors, self.queries = everything[:count], everything[count:]

    @cached_property
    def literals(self) -> list[str]:
        """The queries in pgvector's text form."""
        return [as_literal(query) for query in self.queries]

    def query(self, number: int) -> str:
        """Return the query of a call with this number, in pgvector's text form."""
        return self.literals[number % len(self.literals)]

    def neighbours(self, queries: int, k: int, count: int | None = None) -> list[set[int]]:
        """Return the keys of the true ``k`` nearest of the first ``count`` vectors, for so many queries."""
        return [set(row) for row in (nearest(self.vectors[:count], self.queries[:queries], k) + 1).tolist()]


def check_kept(count: int) -> None:
    """Check that an earlier run has left a database of ``count`` vectors behind.

    Raises:
        UserError: it has not.
    """
    try:
        with database.connect() as connection:
            row = connection.execute("select count(*) from search_internal.image_embeddings").fetchone()
            # A server that was started since then has read nothing yet.
            connection.execute("select pg_prewarm(%s), pg_prewarm('search_internal.image_embeddings')", [INDEX])
    except psycopg.Error as error:
        raise UserError(f"There is no database to reuse ({error}): run it once with --keep.") from error
    if row != (count,):
        raise UserError(
            f"The database that was kept has {row and row[0]} vectors, not {count}: run it once with --keep."
        )


def fill(connection: Connection, vectors: Vectors) -> dict[str, float]:
    """Load the vectors and build the index on them; return its build seconds and megabytes."""
    load(connection, vectors)
    return build(connection, INDEX, BUILD_INDEX)


def load(connection: Connection, vectors: Vectors) -> None:
    """Load the vectors as photos taken a minute apart, in place of the rows before them, without an index."""
    connection.execute(f"drop index if exists {INDEX}")
    connection.execute("truncate search_internal.image_embeddings; truncate polarlens.image_paths restart identity")
    connection.execute(sql.SQL(STAGE).format(count=len(vectors), cities=CITIES))
    load_embeddings(connection, sql.SQL("search_internal.image_embeddings"), vectors)
    connection.execute("analyze polarlens.image_paths; analyze search_internal.image_embeddings")


def build(connection: Connection, name: str, statement: str, memory: str = "1800MB") -> dict[str, float]:
    """Build an index as the refresh does, with so much memory; return its seconds and megabytes."""
    connection.execute(f"set maintenance_work_mem = '{memory}'".encode())
    started = time.perf_counter()
    connection.execute(statement.encode())
    seconds = time.perf_counter() - started
    # A build leaves its pages to the operating system: the first searches would fetch them one by one.
    connection.execute("create extension if not exists pg_prewarm")
    connection.execute("select pg_prewarm(%s::regclass)", [name])
    row = connection.execute("select pg_relation_size(%s::regclass) / 1048576.0", [name]).fetchone()
    assert row is not None
    return {"build_seconds": round(seconds, 1), "megabytes": round(float(row[0]), 1)}
