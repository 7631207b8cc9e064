"""People who search the collection, and may do nothing else."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import psycopg
import pytest

from tests.support.database import Database, new_role
from tests.support.project import Project


@pytest.fixture
def reader(built: Project) -> Iterator[psycopg.Connection]:
    """A connection of a search reader."""
    yield from connect_reader(built.database)


def connect_reader(database: Database) -> Iterator[psycopg.Connection]:
    """Create a member of polarlens_reader and connect as it."""
    with reader_of(database) as env, database.connect(user=env["PGUSER"], password=env["PGPASSWORD"]) as connection:
        yield connection


@contextlib.contextmanager
def reader_of(database: Database) -> Iterator[dict[str, str]]:
    """Create a member of polarlens_reader and yield libpq's variables to connect as it."""
    with new_role(database, "login password 'secret' in role polarlens_reader") as name:
        yield {**database.env, "PGUSER": name, "PGPASSWORD": "secret"}
