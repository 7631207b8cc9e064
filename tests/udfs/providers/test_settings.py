"""The settings polar.ai.*: per session, per role and per database; waiting where a service asks to; batching."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from tests.support.database import Database, new_role
from tests.support.failure import Failure
from tests.support.http_server import Reply, Request, ScriptedServer
from tests.support.raw_server import Behaviour, RawServer, never_answers, read_head

Fails = Callable[..., Failure]
# Never the same text twice: its embedding would be kept in the session.
CALL = "select polar_ai.ai_callmodel('m', clock_timestamp()::text)"
OK = {"data": [{"embedding": [1, 2]}]}


def create(db: Database, url: str) -> None:
    db.run("select polar_ai.ai_createmodel('m', %s, 'clip-as-service')", url)


@pytest.fixture(params=["session", "role", "database", "role in a database"])
def setting(db: Database, request: pytest.FixtureRequest) -> Iterator[Callable[..., psycopg.Connection[Any]]]:
    """Set polar.ai.* at one level; returns a connection in which it holds."""
    name = db.env["PGDATABASE"]
    opened: list[psycopg.Connection[Any]] = []

    def apply(**values: str) -> psycopg.Connection[Any]:
        target = {
            "role": f"alter role {setter} set",
            "database": f"alter database {name} set",
            "role in a database": f"alter role {setter} in database {name} set",
        }.get(request.param)
        for key, value in values.items():
            if target:
                db.run(f"{target} polar.ai.{key} = '{value}'")
        connection = db.connect(user=setter, password="p")
        opened.append(connection)
        for key, value in values.items():
            if not target:
                connection.execute(f"set polar.ai.{key} = '{value}'".encode())
        return connection

    with new_role(db, "login password 'p' in role polar_ai_user") as setter:
        yield apply
        for connection in opened:
            connection.close()
    db.run(f"alter database {name} reset all")


def test_the_timeout_acts(
    db: Database, setting: Callable[..., Any], raw_server: Callable[[Behaviour], RawServer]
) -> None:
    create(db, raw_server(never_answers).url)
    connection = setting(http_timeout_msec="300")
    started = time.monotonic()
    with pytest.raises(psycopg.Error, match=r"within 0\.3 s"):
        connection.execute(CALL)
    assert 0.25 < time.monotonic() - started < 2.5


def test_the_retries_act(db: Database, setting: Callable[..., Any], http_server: Callable[..., ScriptedServer]) -> None:
    answers = iter([Reply(503), Reply(503), Reply(body=OK)])
    server = http_server(lambda request: next(answers))
    create(db, server.url)
    started = time.monotonic()
    assert setting(retry_times="2", retry_interval_msec="200").execute(CALL).fetchone() == ([1, 2],)
    assert len(server.requests) == 3 and time.monotonic() - started > 0.4


@pytest.mark.parametrize(("keep_alive", "connections"), [("on", 1), ("off", 4)])
def test_connections_are_kept_or_not(
    db: Database,
    setting: Callable[..., Any],
    raw_server: Callable[[Behaviour], RawServer],
    keep_alive: str,
    connections: int,
) -> None:
    body = json.dumps(OK).encode()
    reply = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)

    def answer(connection: Any, closing: threading.Event) -> None:
        connection.settimeout(10)
        while b"\r\n\r\n" in (head := read_head(connection)):
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
            received = head.partition(b"\r\n\r\n")[2]
            while len(received) < length:
                received += connection.recv(65536)
            connection.sendall(reply)
            if b"connection: close" in head.lower():
                return

    server = raw_server(answer)
    create(db, server.url)
    connection = setting(http_keep_alive=keep_alive)
    for number in range(4):
        connection.execute("select polar_ai.ai_callmodel('m', %s::text)", [f"text {number}"])
    assert server.connections == connections


def test_the_kept_models_are_bounded(
    db: Database, setting: Callable[..., Any], http_server: Callable[..., ScriptedServer]
) -> None:
    url = http_server(lambda request: Reply(body=OK)).url
    for name in ("a", "b", "c"):
        db.run("select polar_ai.ai_createmodel(%s, %s, 'clip-as-service')", name, url)
    connection = setting(lru_entity_size="2")
    for name in ("a", "b", "c"):
        connection.execute("select polar_ai.ai_callmodel(%s, 'x'::text)", [name])
    kept = connection.execute("select polar_ai.ai_modelcachelists()").fetchone()
    assert kept == ("model cache count 2, cache list is : b;c;",)


# --- waiting -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("status", "headers"), [(429, {"Retry-After": "1"}), (503, {"Retry-After": "1"}), (429, {})])
def test_a_service_that_asks_to_wait_is_waited_for_without_any_retries(
    db: Database, http_server: Callable[..., ScriptedServer], status: int, headers: dict[str, str]
) -> None:
    answers = iter([Reply(status, headers=headers), Reply(body=OK)])
    server = http_server(lambda request: next(answers))
    create(db, server.url)
    db.run("set polar.ai.retry_interval_msec = 900")
    started = time.monotonic()
    assert db.value(CALL) == [1, 2]
    assert len(server.requests) == 2 and time.monotonic() - started > 0.85


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 500])
def test_what_would_only_fail_again_is_not_repeated(
    db: Database, failure: Fails, http_server: Callable[..., ScriptedServer], status: int
) -> None:
    server = http_server(lambda request: Reply(status))
    create(db, server.url)
    db.run("set polar.ai.retry_times = 5")
    failure(db, CALL)
    assert len(server.requests) == 1


# --- batches of the article's own functions ----------------------------------------------------------


def article_model(db: Database, url: str, **batch: Any) -> None:
    db.run(
        """
        create or replace function public.clip_text_embedding_in(model text, setence text) returns jsonb
        language plpgsql as
        $function$ begin return ('{"data": [{"text": "' || setence || '"}]}')::jsonb; end; $function$;
        create or replace function public.clip_embedding_out(model_id text, response_json jsonb) returns jsonb
        as $$ select (((((response_json)->>'data')::jsonb->0)::jsonb)->>'embedding')::jsonb as result $$
        language 'sql' immutable
        """
    )
    db.run(
        "select polar_ai.ai_createmodel('article', %s, 'other', 'embedding', 'clip', %s, null,"
        " 'clip_text_embedding_in'::regproc, 'clip_embedding_out'::regproc)",
        url,
        json.dumps({"author_type": "token", "token": "t", **batch}),
    )


def lengths(request: Request) -> Reply:
    data = request.json()["data"]
    if any(item["text"] == "bad" for item in data):  # as clip-as-service: one bad item voids the batch
        status = {"code": 1, "description": "bad item", "exception": {"args": ["cannot read it"]}}
        return Reply(body={"header": {"status": status}, "data": [{"embedding": None} for _ in data]})
    return Reply(body={"header": {"status": None}, "data": [{"embedding": [len(item["text"]), 1]} for item in data]})


BATCH = {"batch": {"items": "data", "results": "data", "max": 32}}
EMBED = "select item, embedding, error from polar_ai.ai_callmodels('article', %s)"


@pytest.mark.parametrize(("count", "requests"), [(1, 1), (2, 1), (32, 1), (33, 2), (100, 4)])
def test_the_articles_single_item_functions_batch(
    db: Database, http_server: Callable[..., ScriptedServer], count: int, requests: int
) -> None:
    server = http_server(lengths)
    article_model(db, server.url, **BATCH)
    rows = db.rows(EMBED, ["x" * (at + 1) for at in range(count)])
    assert [row[1] for row in rows] == [[float(at + 1), 1.0] for at in range(count)]
    assert len(server.requests) == requests


def test_without_the_declaration_each_item_is_a_request(
    db: Database, http_server: Callable[..., ScriptedServer]
) -> None:
    server = http_server(lengths)
    article_model(db, server.url)
    assert len(db.rows(EMBED, ["x"] * 8)) == 8 and len(server.requests) == 8


@pytest.mark.parametrize("bad", [0, 13, 31])
def test_one_bad_item_of_32_is_isolated_by_halves(
    db: Database, http_server: Callable[..., ScriptedServer], bad: int
) -> None:
    server = http_server(lengths)
    article_model(db, server.url, **BATCH)
    rows = db.rows(EMBED, ["bad" if at == bad else "good" for at in range(32)])
    assert [at for at, row in enumerate(rows) if row[1] is None] == [bad]
    assert "cannot read it" in rows[bad][2]
    # The whole, and each time both halves of the one with the bad item in it; or fewer where only they are asked again.
    assert len(server.requests) <= 1 + 2 * 31 and max(len(r.json()["data"]) for r in server.requests) == 32


def test_a_text_that_breaks_the_articles_function_is_its_own_error(
    db: Database, http_server: Callable[..., ScriptedServer]
) -> None:
    server = http_server(lengths)
    article_model(db, server.url, **BATCH)
    rows = db.rows(EMBED, ["a", 'a "quote"', "abc"])
    assert [row[1] for row in rows] == [[1.0, 1.0], None, [3.0, 1.0]] and "json" in rows[1][2]
    assert len(server.requests) == 1
