"""Databases that the tests of one module share, and ways to ask what a SQL function answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.support.database import Database, new_database
from tests.support.failure import Failure
from tests.support.models import NOT_BUILT_IN


@pytest.fixture(scope="module")
def shared(server: dict[str, str], template: str) -> Iterator[Database]:
    """A database with the schema at head, shared by the tests of a module."""
    with new_database(server, template) as database:
        yield database


@pytest.fixture
def db(shared: Database) -> Iterator[Database]:
    """The shared database, with its registry and allow-list empty."""
    shared.run("reset role")
    shared.run("reset all")
    shared.run(f"select polar_ai.ai_dropmodel(model_id) from polar_ai.models where {NOT_BUILT_IN}")
    shared.run("delete from polar_ai.allow_list")
    yield shared


@pytest.fixture
def photos(open_folder: Path, request: pytest.FixtureRequest) -> Path:
    """An empty folder that the database server may read."""
    folder = open_folder / f"photos-{abs(hash(request.node.nodeid))}"
    folder.mkdir(mode=0o755)
    return folder


@pytest.fixture
def failure() -> Callable[..., Failure]:
    """Run a query that has to fail; no error of ours may show Python's insides."""

    def run(connection: psycopg.Connection[Any] | Database, query: str, *parameters: Any) -> Failure:
        if isinstance(connection, Database):
            connection = connection.connection
        with pytest.raises(psycopg.Error) as error:
            connection.execute(query.encode(), parameters or None)
        said = error.value.diag
        found = Failure(said.sqlstate, said.message_primary or "", said.message_hint, said.message_detail, said.context)
        assert "Traceback" not in found.everything and "PL/Python" not in found.everything, found.everything
        assert found.sqlstate != "XX000", found.everything
        return found

    return run
