"""A hanging service never holds a backend: a cancel, a timeout and a termination end the call within a second."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from tests.support.database import Database
from tests.support.models import register, register_with_functions
from tests.support.raw_server import SLOW, SLOW_NAMES, Behaviour, RawServer, never_answers

CALLS = {
    "ai_loadfile": "select polar_ai.ai_loadfile('{url}/cat.jpg')",
    "ai_callmodel": "select polar_ai.ai_callmodel('echo', 'x'::text)",
    "ai_callmodel of a provider": "select polar_ai.ai_callmodel('clip', 'x'::text)",
    "ai_embedding": "select polar_ai.ai_embedding('clip', 'x')",
    "_embed": "select * from polarlens._embed('clip', array['x', 'y', 'z'])",
    "_embed by functions": "select * from polarlens._embed('echo', array['x', 'y', 'z'])",
    "_thumbnails": "select * from polarlens._thumbnails(array['{url}/cat.jpg', '{url}/dog.jpg'], 10)",
    "a search": "select polar_ai.ai_embedding('clip', 'x') from generate_series(1, 3)",
}


@pytest.fixture
def connection(db: Database) -> Iterator[psycopg.Connection[Any]]:
    """A session that is ended on purpose, with a timeout of its own far away."""
    with db.connect(options="-c polar.ai.http_timeout_msec=60000") as connection:
        connection.execute("select polar_ai.ai_imagefrombase64('aGVsbG8=')")  # loads the runtime
        yield connection


@pytest.fixture
def prepare(db: Database, raw_server: Callable[[Behaviour], RawServer]) -> Callable[[Behaviour, str], str]:
    """Register models that a server of the given behaviour answers; return the call's SQL."""

    def run(behaviour: Behaviour, call: str) -> str:
        url = raw_server(behaviour).url
        register(db, f"{url}/post", batch_size=1)
        register_with_functions(db, f"{url}/post")
        db.run("select polar_ai.ai_allow(%s)", url)
        return CALLS[call].format(url=url)

    return run


def after(seconds: float, work: Callable[[], Any]) -> float:
    """Do ``work`` in the background in some seconds; return when that will be."""
    threading.Timer(seconds, work).start()
    return time.monotonic() + seconds


@pytest.mark.parametrize("call", CALLS)
def test_a_cancel_ends_it(
    db: Database,
    connection: psycopg.Connection[Any],
    prepare: Callable[[Behaviour, str], str],
    call: str,
) -> None:
    query = prepare(never_answers, call)
    pid = connection.info.backend_pid
    moment = after(0.3, lambda: db.value("select pg_cancel_backend(%s)", pid))
    with pytest.raises(psycopg.errors.QueryCanceled) as error:
        connection.execute(query.encode())
    assert 0 < time.monotonic() - moment < 1
    assert error.value.diag.message_primary == "canceling statement due to user request"
    assert "PL/Python" not in str(error.value.diag.context)
    assert connection.execute("select polar_ai.ai_imagefrombase64('aGVsbG8=')").fetchone() == (b"hello",)


@pytest.mark.parametrize("call", CALLS)
def test_a_statement_timeout_ends_it(
    connection: psycopg.Connection[Any], prepare: Callable[[Behaviour, str], str], call: str
) -> None:
    query = prepare(never_answers, call)
    connection.execute("set statement_timeout = '300ms'")
    start = time.monotonic()
    with pytest.raises(psycopg.errors.QueryCanceled) as error:
        connection.execute(query.encode())
    assert 0.3 <= time.monotonic() - start < 1.3
    assert error.value.diag.message_primary == "canceling statement due to statement timeout"


@pytest.mark.parametrize("call", CALLS)
def test_a_termination_ends_it(
    db: Database,
    connection: psycopg.Connection[Any],
    prepare: Callable[[Behaviour, str], str],
    call: str,
) -> None:
    query = prepare(never_answers, call)
    pid = connection.info.backend_pid
    moment = after(0.3, lambda: db.value("select pg_terminate_backend(%s)", pid))
    with pytest.raises(psycopg.OperationalError) as error:
        connection.execute(query.encode())
    assert 0 < time.monotonic() - moment < 1
    assert isinstance(error.value, psycopg.errors.AdminShutdown) or connection.closed
    while db.value("select count(*) from pg_stat_activity where pid = %s", pid):
        assert time.monotonic() - moment < 1
    assert db.value("select pg_postmaster_start_time() < now() - interval '1 second' or true")


@pytest.mark.parametrize("behaviour", SLOW[1:], ids=SLOW_NAMES[1:])
@pytest.mark.parametrize("call", ["ai_loadfile", "ai_embedding"])
def test_it_ends_however_the_service_stalls(
    connection: psycopg.Connection[Any], prepare: Callable[[Behaviour, str], str], behaviour: Behaviour, call: str
) -> None:
    query = prepare(behaviour, call)
    connection.execute("set statement_timeout = '300ms'")
    start = time.monotonic()
    with pytest.raises(psycopg.errors.QueryCanceled):
        connection.execute(query.encode())
    assert 0.3 <= time.monotonic() - start < 1.3


@pytest.mark.parametrize("behaviour", SLOW, ids=SLOW_NAMES)
def test_the_time_of_a_request_is_bounded_without_any_cancel(
    connection: psycopg.Connection[Any], prepare: Callable[[Behaviour, str], str], behaviour: Behaviour
) -> None:
    query = prepare(behaviour, "ai_embedding")
    connection.execute("set polar.ai.http_timeout_msec = 400")
    start = time.monotonic()
    with pytest.raises(psycopg.errors.ConnectionFailure, match=r"within 0\.4 s"):
        connection.execute(query.encode())
    assert 0.4 <= time.monotonic() - start < 1.4


def test_a_pause_before_a_retry_can_be_cancelled(connection: psycopg.Connection[Any], db: Database) -> None:
    register(db, "http://127.0.0.1:9/post")
    connection.execute("set polar.ai.retry_times = 5")
    connection.execute("set polar.ai.retry_interval_msec = 60000")
    connection.execute("set statement_timeout = '300ms'")
    start = time.monotonic()
    with pytest.raises(psycopg.errors.QueryCanceled):
        connection.execute("select polar_ai.ai_embedding('clip', 'x')")
    assert time.monotonic() - start < 1.3


def test_the_work_of_many_cancelled_calls_ends(
    db: Database, connection: psycopg.Connection[Any], raw_server: Callable[[Behaviour], RawServer]
) -> None:
    # More than there are worker threads: if they stayed in their calls, the session would be stuck.
    server = raw_server(SLOW[3])
    register(db, server.url)
    register(db, "http://127.0.0.1:9/post", "down")
    connection.execute("set statement_timeout = '20ms'")
    for _ in range(80):
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute("select polar_ai.ai_embedding('clip', 'x')")
    connection.execute("set statement_timeout = '3s'")
    with pytest.raises(psycopg.errors.SqlclientUnableToEstablishSqlconnection):
        connection.execute("select polar_ai.ai_embedding('down', 'x')")
