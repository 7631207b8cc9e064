"""The endpoints outside the server, over psycopg: the same results and the same errors as from SQL."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.support.database import Database
from tests.support.http_server import Reply, Request, ScriptedServer
from tests.support.models import echo, lengths, register, register_with_functions
from tests.support.outside_the_server import PsycopgDatabase
from udfs.runtime import endpoints
from udfs.runtime.database import Database as RuntimeDatabase

Serves = Callable[..., ScriptedServer]


@pytest.fixture
def connection(db: Database) -> Iterator[psycopg.Connection[Any]]:
    """A connection with a transaction that is open: permits hold for one transaction."""
    with db.connect(autocommit=False) as connection:
        yield connection


@pytest.fixture
def outside(connection: psycopg.Connection[Any]) -> PsycopgDatabase:
    satisfies: RuntimeDatabase = PsycopgDatabase(connection)
    assert isinstance(satisfies, PsycopgDatabase)
    return satisfies


def row(connection: psycopg.Connection[Any], query: str, *parameters: Any) -> Any:
    return connection.execute(query.encode(), parameters or None).fetchone()


def permit(connection: psycopg.Connection[Any], model_id: str) -> str:
    return str(row(connection, "select permit from polar_ai._model(%s)", model_id)[0])


def as_sql_gives_it(*outcome: Any) -> tuple[Any, ...]:
    """Return an outcome with its error as psycopg reads jsonb."""
    *values, error = outcome
    return (*values, error and json.loads(error))


@pytest.mark.parametrize("name", ["cat.jpg", "gone.jpg", "../cat.jpg"])
@pytest.mark.parametrize("scheme", ["", "file://"])
def test_a_file_is_loaded_or_refused(
    db: Database,
    connection: psycopg.Connection[Any],
    outside: PsycopgDatabase,
    photos: Path,
    scheme: str,
    name: str,
) -> None:
    (photos / "cat.jpg").write_bytes(b"cat")
    db.run("select polar_ai.ai_allow(%s)", f"file://{photos}")
    path = f"{scheme}{photos}/{name}"
    inside = row(connection, "select content, error from polar_ai._load_file(%s, 1, '')", path)
    assert as_sql_gives_it(*endpoints.load_file(outside, path, 1, "")) == inside


def test_a_location_is_read_with_its_permit_and_refused_without(
    db: Database, connection: psycopg.Connection[Any], outside: PsycopgDatabase, http_server: Serves
) -> None:
    server = http_server(lambda request: Reply(body=request.headers.get("Authorization", "").encode()))
    db.run("select polar_ai.ai_createlocation('web', %s, '{}', 'Bearer t0ken')", server.url)
    permits = row(connection, "select polar_ai._location_permits('web')")[0]
    assert endpoints.load_file(outside, "web:a.jpg", 1, permits) == (b"Bearer t0ken", None)
    for forged in ("", " web:00", " web"):
        content, error = endpoints.load_file(outside, "web:a.jpg", 1, forged)
        assert (content, json.loads(str(error))["sqlstate"]) == (None, "42501")


@pytest.mark.parametrize("status", [200, 401, 503])
def test_a_body_is_posted(
    db: Database, connection: psycopg.Connection[Any], outside: PsycopgDatabase, http_server: Serves, status: int
) -> None:
    server = http_server(lambda request: echo(request) if status == 200 else Reply(status, "no"))
    register_with_functions(db, server.url)
    asked = ("echo", permit(connection, "echo"), '{"input": "abc"}', '{"X-Api-Key": "k"}')
    inside = row(connection, "select content, error from polar_ai._post(%s, %s, %s, %s)", *asked)
    assert as_sql_gives_it(*endpoints.post(outside, *asked)) == inside
    sent = [(request.body, request.headers) for request in server.requests]
    assert len(sent) == 2 and sent[0] == sent[1]


def test_inputs_are_embedded_in_order_with_an_error_for_each_bad_one(
    db: Database, connection: psycopg.Connection[Any], outside: PsycopgDatabase, http_server: Serves
) -> None:
    register(db, http_server(lengths).url, batch_size=2)
    asked = ("clip", permit(connection, "clip"), ["a", "", "abc", None, "abcde"], None, 2, None)
    inside = connection.execute(
        "select item, embedding, error from polar_ai._embed_provider(%s, %s, %s, %s, %s, %s)", asked
    ).fetchall()
    assert [as_sql_gives_it(*one) for one in endpoints.embed(outside, *asked)] == inside
    assert [error and error["sqlstate"] for _, _, error in inside] == [None, "22023", None, "22023", None]


def test_a_model_without_a_permit_is_refused(db: Database, outside: PsycopgDatabase, http_server: Serves) -> None:
    server = http_server(lengths)
    register(db, server.url)
    for model_id, sqlstate in (("clip", "42501"), ("no such", "42704")):
        embedding, error = endpoints.embed_one(outside, model_id, "forged", "", "a text")
        assert (embedding, json.loads(str(error))["sqlstate"]) == (None, sqlstate)
    assert not server.requests


def test_a_cancel_ends_a_call(
    db: Database, connection: psycopg.Connection[Any], outside: PsycopgDatabase, http_server: Serves
) -> None:
    def hang(_: Request) -> Reply:
        server.closing.wait(20)
        return Reply()

    server = http_server(hang)
    register(db, server.url)
    asked = ("clip", permit(connection, "clip"), "", "a text")
    threading.Timer(0.3, outside.cancelled.set).start()
    start = time.monotonic()
    embedding, error = endpoints.embed_one(outside, *asked)
    assert (embedding, json.loads(str(error))["sqlstate"]) == (None, "57014")
    assert time.monotonic() - start < 1.3
