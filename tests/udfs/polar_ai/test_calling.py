from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.database import Database, new_role
from tests.support.failure import Failure
from tests.support.http_server import Reply, Request, ScriptedServer
from tests.support.models import echo, lengths, register, register_with_functions
from tests.support.pictures import picture

Fails = Callable[..., Failure]
Start = Callable[..., ScriptedServer]


def call(db: Database, content: str = "hello", model_id: str = "echo") -> Any:
    return db.value("select polar_ai.ai_callmodel(%s, %s::text)", model_id, content)


def test_transform_functions_make_the_request_and_the_result(db: Database, http_server: Start) -> None:
    server = http_server(echo)
    register_with_functions(db, server.url)
    nasty = 'a "quoted" \\ line\nand {"json": 1} 你好'
    assert call(db, nasty) == [len(nasty), 1]
    assert server.requests[0].json() == {"model": "echo-1", "input": nasty}
    assert server.requests[0].method == "POST"


def test_content_may_have_any_type(db: Database, http_server: Start) -> None:
    server = http_server(lambda request: Reply(body={"result": request.json()}))
    db.run(
        "create or replace function public.any_in(model text, content anyelement) returns jsonb"
        " language sql as 'select to_jsonb(content)'"
    )
    db.run(
        "create or replace function public.out_fn(model_id text, response jsonb) returns jsonb"
        " language sql return response -> 'result'"
    )
    db.run(
        "select polar_ai.ai_createmodel('any', %s, model_in_transform_fn => 'public.any_in'::regproc,"
        " model_out_transform_fn => 'public.out_fn'::regproc)",
        server.url,
    )
    for content, result in [
        ("'x'::text", "x"),
        ("42", 42),
        ("'{\"a\": [1]}'::jsonb", {"a": [1]}),
        ("'\\xff'::bytea", "\\xff"),
    ]:
        assert db.value(f"select polar_ai.ai_callmodel(model_id => 'any', content => {content})") == result


def test_a_model_of_a_known_provider_needs_no_functions(db: Database, http_server: Start) -> None:
    register(db, http_server(lengths).url, dimension=2)
    assert call(db, "hello", "clip") == [5, 1]


def test_the_token_is_sent_and_the_callers_role_cannot_read_it(db: Database, http_server: Start) -> None:
    server = http_server(echo)
    register_with_functions(db, server.url, token="s3cret")
    db.run("set role polar_ai_user")
    assert call(db) == [5, 1]
    assert server.requests[0].headers["Authorization"] == "Bearer s3cret"


def test_transform_functions_run_with_the_callers_rights(db: Database, http_server: Start) -> None:
    server = http_server(lambda request: Reply(body={"result": [request.json()["input"]]}))
    register_with_functions(db, server.url)
    db.run(
        "create or replace function public.in_fn(model text, content text) returns jsonb"
        " language sql return jsonb_build_object('input', current_user)"
    )
    db.run("set role polar_ai_user")
    assert call(db) == ["polar_ai_user"]


def test_a_role_without_the_grant_may_not_call(db: Database, failure: Fails, http_server: Start) -> None:
    register(db, http_server(lengths).url)
    with new_role(db) as nobody:
        db.run(f"set role {nobody}")
        error = failure(db, "select polar_ai.ai_callmodel('clip', 'x'::text)")
        db.run("reset role")
    assert error.sqlstate == "42501"


def test_objects_on_the_callers_search_path_cannot_stand_in_for_ours(db: Database, http_server: Start) -> None:
    register_with_functions(db, http_server(echo).url)
    register(db, http_server(lengths).url)
    db.run("create schema if not exists trap")
    for function in ("format(text, variadic text[])", "jsonb_array_length(jsonb)", "btrim(text)", "abs(numeric)"):
        name, _, arguments = function.partition("(")
        result = {"format": "text", "btrim": "text", "abs": "numeric", "jsonb_array_length": "integer"}[name]
        db.run(
            f"create or replace function trap.{name}({arguments} returns {result} language plpgsql as"
            " $$ begin raise exception 'trapped'; end $$"
        )
    db.run(
        "create or replace function trap.equal(text, text) returns boolean language plpgsql as"
        " $$ begin raise exception 'trapped'; end $$"
    )
    db.run("drop operator if exists trap.= (text, text)")
    db.run("create operator trap.= (function = trap.equal, leftarg = text, rightarg = text)")
    db.run("create table if not exists trap.models (model_id text)")
    db.run("set search_path to trap, pg_catalog, public")
    assert call(db) == [5, 1]
    assert db.value("select polar_ai.ai_embedding('clip', 'hello')") == [5.0, 1.0]
    assert db.value("select polar_ai.ai_embedding('echo', 'hello')") == [5.0, 1.0]
    for model_id in ("clip", "echo"):
        assert db.rows(f"select item, error from polarlens._embed('{model_id}', array['hello'])") == [(1, None)]
    db.run("reset search_path")
    db.run("set client_min_messages to error")
    db.run("drop schema trap cascade")


@pytest.mark.parametrize(
    ("made", "sent"),
    [
        ('{"X-Key": "a", "X-Number": 7, "X-None": null}', {"X-Key": "a", "X-Number": "7"}),
        ("{}", {}),
        ('{"Authorization": "bare"}', {"Authorization": "bare"}),
    ],
)
def test_a_headers_function_adds_headers(db: Database, http_server: Start, made: str, sent: dict[str, str]) -> None:
    server = http_server(echo)
    register_with_functions(db, server.url, headers=True, token="s3cret")
    db.run(f"set test.headers = '{made}'")
    call(db)
    got = server.requests[0].headers
    assert {name: got[name] for name in sent} == sent and "X-None" not in got


def test_where_the_headers_function_fails_nothing_is_sent(db: Database, http_server: Start) -> None:
    server = http_server(echo)
    register_with_functions(db, server.url, headers=True)
    db.run("set test.headers = 'no json'")
    rows = db.rows("select item, error ->> 'sqlstate' from polarlens._embed('echo', array['a', 'b'])")
    assert rows == [(1, "22P02"), (2, "22P02")] and not server.requests


@pytest.mark.parametrize("made", ["[]", '"x"', "1"])
def test_headers_of_another_shape_are_said_to_be(db: Database, failure: Fails, http_server: Start, made: str) -> None:
    register_with_functions(db, http_server(echo).url, headers=True)
    db.run(f"set test.headers = '{made}'")
    error = failure(db, "select polar_ai.ai_callmodel('echo', 'x'::text)")
    assert error.sqlstate == "22023" and "headers function" in error.message


def test_a_token_of_the_servers_environment_is_never_shown(db: Database, failure: Fails, http_server: Start) -> None:
    server = http_server(lengths)
    register(db, server.url, "there", token="env:PATH")
    register(db, server.url, "missing", token="env:POLARLENS_NO_SUCH_VARIABLE")
    call(db, "x", "there")
    assert "/" in server.requests[0].headers["Authorization"]
    error = failure(db, "select polar_ai.ai_callmodel('missing', 'x'::text)")
    assert error.sqlstate == "22023" and "env:POLARLENS_NO_SUCH_VARIABLE" in error.message


NO_RESULT = {
    "null": ({"result": None}, "no result"),
    "missing": ({"success": "false", "errMessage": "quota used up"}, "no result: quota used up"),
    "empty array": ({"result": [], "error": {"message": "overload"}}, "no result: overload"),
    "empty text": ({"result": "", "detail": "too long"}, "no result: too long"),
    "status": ({"header": {"status": {"code": 1, "description": "bad image"}}}, "no result: bad image"),
}


@pytest.mark.parametrize(("body", "said"), NO_RESULT.values(), ids=NO_RESULT)
def test_no_result_is_an_error_in_the_services_own_words(
    db: Database, failure: Fails, http_server: Start, body: dict[str, Any], said: str
) -> None:
    register_with_functions(db, http_server(lambda request: Reply(body=body)).url)
    error = failure(db, "select polar_ai.ai_callmodel('echo', 'x'::text)")
    assert error.sqlstate == "08P01" and error.message.endswith(said)


BAD_ANSWERS = {
    "not JSON": b"<html>Log in</html>",
    "NaN": b'{"result": [NaN]}',
    "nothing": b"",
    "not UTF-8": b'{"result": ["\xff"]}',
    "cut": b'{"result": [1',
    "deep": b'{"result":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
}


@pytest.mark.parametrize("content", BAD_ANSWERS.values(), ids=BAD_ANSWERS)
def test_an_answer_that_is_no_json_is_an_error_of_the_service(
    db: Database, failure: Fails, http_server: Start, content: bytes
) -> None:
    register_with_functions(db, http_server(lambda request: Reply(body=content)).url)
    assert failure(db, "select polar_ai.ai_callmodel('echo', 'x'::text)").sqlstate == "08P01"


@pytest.mark.parametrize("content", ['{"result": [1], "echo": "a\\u0000b"}', '{"result": [1], "e": "\\ud800"}'])
def test_json_that_postgresql_cannot_hold_is_an_error_and_not_a_crash(
    db: Database, failure: Fails, http_server: Start, content: str
) -> None:
    register_with_functions(db, http_server(lambda request: Reply(body=content)).url)
    error = failure(db, "select polar_ai.ai_callmodel('echo', 'x'::text)")
    assert error.sqlstate == "08P01" and "calling model echo" in error.message


@pytest.mark.parametrize("body", [b"bad \0 thing", b'{"x": "\\u0000 \\ud800"}', b"\xff\xfe"])
@pytest.mark.parametrize("model", ["clip", "echo"])
def test_what_a_service_says_cannot_break_its_error(
    db: Database, failure: Fails, http_server: Start, body: bytes, model: str
) -> None:
    url = http_server(lambda request: Reply(500, body=body)).url
    (register if model == "clip" else register_with_functions)(db, url)
    error = failure(db, f"select polar_ai.ai_callmodel('{model}', 'x'::text)")
    assert error.sqlstate == "08P01" and "HTTP status 500" in error.message


def test_a_body_of_null_says_which_function_made_it(db: Database, failure: Fails, http_server: Start) -> None:
    server = http_server(echo)
    register_with_functions(db, server.url)
    db.run(
        "create or replace function public.in_fn(model text, content text) returns jsonb"
        " language sql return null::jsonb"
    )
    error = failure(db, "select polar_ai.ai_callmodel('echo', 'x'::text)")
    assert error.sqlstate == "22004" and "public.in_fn returned NULL" in error.message and not server.requests


@pytest.mark.parametrize("function", ["ai_callmodel('nobody', 'x'::text)", "ai_embedding('nobody', 'x')"])
def test_an_unknown_model_is_named_with_the_way_to_list_them(db: Database, failure: Fails, function: str) -> None:
    error = failure(db, f"select polar_ai.{function}")
    assert error.sqlstate == "42704" and "nobody" in error.message and "_ai_models" in str(error.hint)


@pytest.mark.parametrize(
    ("status", "sqlstate"), [(401, "28000"), (429, "53000"), (503, "53000"), (500, "08P01"), (404, "08P01")]
)
@pytest.mark.parametrize("model", ["clip", "echo"])
def test_statuses_have_their_sqlstate(
    db: Database, failure: Fails, http_server: Start, status: int, sqlstate: str, model: str
) -> None:
    db.run("set polar.ai.http_timeout_msec = 2000")  # less than the pause after 429
    url = http_server(lambda request: Reply(status, body="no")).url
    (register if model == "clip" else register_with_functions)(db, url)
    error = failure(db, f"select polar_ai.ai_callmodel('{model}', 'x'::text)")
    assert (error.sqlstate, error.detail) == (sqlstate, "The service said: no")


# --- ai_embedding and _embed -------------------------------------------------------------------------


def test_the_embedding_of_a_text_is_asked_for_once_in_a_session(db: Database, http_server: Start) -> None:
    server = http_server(lengths)
    register(db, server.url)
    for _ in range(3):
        assert db.value("select polar_ai.ai_embedding(model_id => 'clip', content => 'kept once')") == [9.0, 1.0]
    assert len(server.requests) == 1
    db.run("select polar_ai.ai_altermodel('clip', model_name => 'another')")
    db.value("select polar_ai.ai_embedding('clip', 'kept once')")
    assert len(server.requests) == 2


def test_a_failure_is_not_kept(db: Database, failure: Fails, http_server: Start) -> None:
    replies = iter([Reply(503), Reply(body={"data": [{"embedding": [1, 2]}]})])
    register(db, http_server(lambda request: next(replies)).url)
    failure(db, "select polar_ai.ai_embedding('clip', 'failed')")
    assert db.value("select polar_ai.ai_embedding('clip', 'failed')") == [1.0, 2.0]


@pytest.mark.parametrize("content", ["null", "''", "'  '"])
def test_nothing_cannot_be_embedded(db: Database, failure: Fails, http_server: Start, content: str) -> None:
    register(db, http_server(lengths).url)
    assert failure(db, f"select polar_ai.ai_embedding('clip', {content})").sqlstate == "22004"


UNUSABLE: dict[str, tuple[Any, str]] = {
    "object": ({"a": 1}, "object"),
    "text": ("text", "string"),
    "nested": ([[1, 2]], "something else than numbers"),
    "null inside": ([1, None], "something else than numbers"),
    "text inside": ([1, "2"], "something else than numbers"),
    "truth inside": ([1, True], "something else than numbers"),
    "too large": ([1, 1e300], "too large"),
    "zeros": ([0, 0], "zeros"),
}


@pytest.mark.parametrize(("result", "said"), UNUSABLE.values(), ids=UNUSABLE)
@pytest.mark.parametrize("model", ["clip", "echo"])
def test_an_unusable_embedding_is_the_items_error_and_its_neighbours_succeed(
    db: Database, failure: Fails, http_server: Start, result: Any, said: str, model: str
) -> None:
    def answer(request: Request) -> Reply:
        body = request.json()
        if model == "echo":
            return Reply(body={"result": result if body["input"] == "bad" else [1, 2]})
        return Reply(body={"data": [{"embedding": result if i["text"] == "bad" else [1, 2]} for i in body["data"]]})

    (register if model == "clip" else register_with_functions)(db, http_server(answer).url)
    rows = db.rows(f"select item, embedding::jsonb, error from polarlens._embed('{model}', array['a', 'bad', 'b'])")
    assert [(item, embedding) for item, embedding, _ in rows] == [(1, [1, 2]), (2, None), (3, [1, 2])]
    assert rows[1][2]["sqlstate"] == "08P01"
    assert said in rows[1][2]["message"] or (model == "clip" and "instead of an embedding" in rows[1][2]["message"])
    assert rows[0][2] is None and rows[2][2] is None
    assert failure(db, f"select polar_ai.ai_embedding('{model}', 'bad')").sqlstate == "08P01"


@pytest.mark.parametrize("model", ["clip", "echo"])
def test_tiny_numbers_become_zero(db: Database, http_server: Start, model: str) -> None:
    body = {"result": [1, 1e-300], "data": [{"embedding": [1, 1e-300]}]}
    (register if model == "clip" else register_with_functions)(db, http_server(lambda request: Reply(body=body)).url)
    assert db.value(f"select polar_ai.ai_embedding('{model}', 'x')") == [1.0, 0.0]


@pytest.mark.parametrize("model", ["clip", "echo"])
def test_a_wrong_dimension_stops_the_batch(db: Database, failure: Fails, http_server: Start, model: str) -> None:
    server = http_server(lengths if model == "clip" else echo)
    (register if model == "clip" else register_with_functions)(db, server.url, dimension=3)
    (row,) = db.rows(f"select item, embedding, error from polarlens._embed('{model}', array['a', 'b'])")
    assert row[:2] == (0, None) and "2 dimensions, not 3" in row[2]["message"]
    assert "alter" in row[2]["hint"] and len(server.requests) == (1 if model == "clip" else 2)
    assert failure(db, f"select polar_ai.ai_embedding('{model}', 'a')").sqlstate == "08P01"


@pytest.mark.parametrize("model", ["clip", "echo"])
@pytest.mark.parametrize(("status", "stops"), [(422, False), (500, False), (401, True), (503, True)])
def test_a_refused_item_is_its_own_error_and_a_refused_token_the_batchs(
    db: Database, http_server: Start, model: str, status: int, stops: bool
) -> None:
    def answer(request: Request) -> Reply:
        if b"bad" in request.body:
            return Reply(status)
        return (lengths if model == "clip" else echo)(request)

    (register if model == "clip" else register_with_functions)(db, http_server(answer).url)
    rows = db.rows(f"select item, embedding is not null from polarlens._embed('{model}', array['a', 'bad', 'b'])")
    if stops:
        assert rows[-1] == (0, False)
    else:
        assert rows == [(1, True), (2, False), (3, True)]


@pytest.mark.parametrize("model", ["clip", "echo"])
def test_empty_and_null_inputs_are_errors_of_their_own(db: Database, http_server: Start, model: str) -> None:
    (register if model == "clip" else register_with_functions)(
        db, http_server(lengths if model == "clip" else echo).url
    )
    rows = db.rows(f"select item, embedding is null from polarlens._embed('{model}', array['a', null, 'b'])")
    assert rows == [(1, False), (2, True), (3, False)]
    assert db.rows(f"select * from polarlens._embed('{model}', '{{}}')") == []


def test_the_literals_of_a_batch_are_vectors(db: Database, http_server: Start) -> None:
    register(db, http_server(lengths).url)
    query = "select array_agg((e.embedding::vector)::text order by item) from polarlens._embed(%s, %s, 4) as e"
    assert db.value(query, "clip", ["a", "bb"]) == ["[1,1]", "[2,1]"]


def test_requests_of_one_batch_are_under_way_together(db: Database, http_server: Start) -> None:
    now, most, lock = 0, 0, threading.Lock()

    def slow(request: Request) -> Reply:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.1)
        with lock:
            now -= 1
        return lengths(request)

    register(db, http_server(slow).url, batch_size=1)
    texts = ["x" * n for n in range(1, 9)]
    rows = db.rows("select (embedding::jsonb ->> 0)::float8 from polarlens._embed('clip', %s, 4) order by item", texts)
    assert [number for (number,) in rows] == list(range(1, 9))
    assert most == 4


def test_an_image_model_loads_what_the_paths_name(db: Database, http_server: Start, photos: Any) -> None:
    (photos / "cat.jpg").write_bytes(picture())
    (photos / "broken.jpg").write_bytes(b"nonsense")
    db.run("select polar_ai.ai_allow(%s)", f"file://{photos}")
    register(db, http_server(lengths).url, input="image")
    paths = [str(photos / name) for name in ("cat.jpg", "missing.jpg", "broken.jpg")] + ["/etc/passwd"]
    rows = db.rows(
        "select embedding is not null, error ->> 'sqlstate', error ->> 'stage'"
        " from polarlens._embed('clip', %s) order by item",
        paths,
    )
    assert rows == [
        (True, None, None),
        (False, "58P01", "load"),
        (False, "22P03", "decode"),
        (False, "42501", "load"),
    ]
    assert json.dumps(db.value("select polar_ai.ai_embedding('clip', %s)", paths[0]))
