"""People who search the collection."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from tests.support.database import Database
from tests.support.project import Project

_numbers = itertools.count(1)


@pytest.fixture
def reader(built: Project) -> Iterator[psycopg.Connection]:
    """A connection of somebody who may search and nothing else."""
    yield from connect_reader(built.database)


def connect_reader(database: Database) -> Iterator[psycopg.Connection]:
    """Create a member of polarlens_reader and connect as it."""
    name = f"reader_{next(_numbers)}"
    database.connection.execute(
        sql.SQL("create role {} login password 'secret' in role polarlens_reader").format(sql.Identifier(name))
    )
    try:
        with database.connect(user=name, password="secret") as connection:
            yield connection
    finally:
        database.connection.execute(sql.SQL("drop owned by {0}; drop role {0}").format(sql.Identifier(name)))
