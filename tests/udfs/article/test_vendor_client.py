"""What the vendor's Python client (langchain-polardb-pg 0.1.1) sends: its statements, copied, with its parameters."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.clip import ColourClip
from tests.support.database import Database
from tests.support.http_server import Reply, ScriptedServer

CREATE = (
    "SELECT created FROM polar_ai.ai_createmodel(model_id => %(model_id)s, model_url => %(model_url)s,"
    " model_provider => %(model_provider)s, model_type => %(model_type)s{more});"
)
OPTIONAL = {
    "model_name": "model_name => %(model_name)s",
    "model_config": "model_config => %(model_config)s",
    "model_headers_fn": "model_headers_fn => CAST(%(model_headers_fn)s AS regprocedure)",
    "model_in_transform_fn": "model_in_transform_fn => CAST(%(model_in_transform_fn)s AS regprocedure)",
    "model_out_transform_fn": "model_out_transform_fn => CAST(%(model_out_transform_fn)s AS regprocedure)",
}
ALTER = "SELECT polar_ai.ai_altermodel(model_id => %(model_id)s{more}) AS result;"
DROP = "SELECT polar_ai.ai_dropmodel(%(model_id)s) AS result;"
SET_TOKEN = "SELECT polar_ai.ai_setmodeltoken(model_id => %(model_id)s, model_token => %(model_token)s) AS result;"
LIST = (
    "SELECT model_id, model_url, model_provider, model_type, model_name, model_config, model_headers_fn,"
    " model_in_transform_fn, model_out_transform_fn FROM polar_ai._ai_models{where} ORDER BY model_seq;"
)
CALL = "SELECT polar_ai.ai_callmodel(%(model_id)s, CAST(%(payload)s AS {type})) AS result;"
CALL_FOR_EMBEDDING = "SELECT polar_ai.ai_callmodel(%(model_name)s, CAST(%(body)s AS jsonb)) AS response;"
TEXT_EMBEDDING = "SELECT polar_ai.ai_text_embedding(CAST(%(query)s AS text), CAST(%(model_name)s AS text));"
INLINE = "SELECT polar_ai.ai_text_embedding($polarai$it's red$polarai$::text, $polarai$mine$polarai$::text)::vector"

MINE = {"model_id": "mine", "model_url": "", "model_provider": "clip-as-service", "model_type": "embedding"}


@pytest.fixture
def client(db: Database) -> Callable[..., Any]:
    """Send a statement with its parameters as the client does; returns the first column of the first row."""
    # In the client's driver every parameter has the type that PostgreSQL asks for, as in a prepared statement.
    db.run(
        "create or replace function public.in_fn(m text, content jsonb) returns jsonb language sql return content;"
        "create or replace function public.text_in_fn(m text, content text) returns jsonb language sql"
        " return jsonb_build_object('text', content);"
        "create or replace function public.out_fn(m text, r jsonb) returns jsonb language sql return r -> 'result';"
        "create or replace function public.headers_fn(m text) returns jsonb language sql"
        " return jsonb_build_object('X-Mine', 1)"
    )

    def send(statement: str, **parameters: Any) -> Any:
        row = db.connection.execute(statement.encode(), parameters).fetchone()
        return row and row[0]

    return send


def create(client: Callable[..., Any], url: str, **more: Any) -> Any:
    named = "".join(f", {OPTIONAL[name]}" for name in more)
    return client(CREATE.format(more=named), **{**MINE, "model_url": url}, **more)


def test_a_model_is_registered_with_its_four_required_arguments(
    client: Callable[..., Any], http_server: Callable[..., ScriptedServer]
) -> None:
    url = http_server(ColourClip()).url
    assert create(client, url) is True
    assert create(client, url) is False


def test_a_model_is_registered_with_every_argument(
    db: Database, client: Callable[..., Any], http_server: Callable[..., ScriptedServer]
) -> None:
    server = http_server(lambda request: Reply(body={"result": [[1, 2]]}))
    config = json.dumps({"dimension": 768, "author_type": "token", "token": "sk-x"})
    functions = {
        "model_in_transform_fn": "public.in_fn(text,jsonb)",
        "model_out_transform_fn": "public.out_fn(text,jsonb)",
    }
    made = create(
        client, server.url, model_name="m", model_config=config, model_headers_fn="public.headers_fn(text)", **functions
    )
    assert made is True
    listed = db.rows(LIST.format(where=" WHERE model_id = %s"), "mine")[0]
    assert listed[:5] == ("mine", server.url, "clip-as-service", "embedding", "m")
    # The client takes an empty token for one that has to be set first.
    assert listed[5]["token"] and listed[5]["token"] != "sk-x" and listed[5]["dimension"] == 768
    assert [str(one).rpartition(".")[2] for one in listed[6:]] == [
        "headers_fn(text)", "in_fn(text,jsonb)", "out_fn(text,jsonb)",
    ]  # fmt: skip

    body = {"model": "Qwen-8B-embedding", "input": ["x"], "dimensions": 2, "deploymentName": "RAG"}
    assert client(CALL_FOR_EMBEDDING, model_name="mine", body=json.dumps(body)) == [[1, 2]]
    assert server.requests[0].json() == body and server.requests[0].headers["X-Mine"] == "1"


@pytest.mark.parametrize(
    ("payload", "kind"), [("老师表扬我了", "text"), (7, "bigint"), (1.5, "double precision"), (True, "boolean")]
)
def test_a_model_is_called_with_the_types_that_the_client_knows(
    db: Database, client: Callable[..., Any], http_server: Callable[..., ScriptedServer], payload: Any, kind: str
) -> None:
    server = http_server(lambda request: Reply(body={"result": request.json()["got"]}))
    db.run(
        f"create or replace function public.any_in_fn(m text, content {kind}) returns jsonb language sql"
        " return jsonb_build_object('got', content)"
    )
    functions = {
        "model_in_transform_fn": f"public.any_in_fn(text,{kind})",
        "model_out_transform_fn": "public.out_fn(text,jsonb)",
    }
    assert create(client, server.url, **functions)
    assert client(CALL.format(type=kind), model_id="mine", payload=payload) == payload


def test_a_model_is_altered_and_its_token_set_and_dropped(
    db: Database, client: Callable[..., Any], http_server: Callable[..., ScriptedServer]
) -> None:
    create(client, http_server(ColourClip()).url)
    more = ", " + OPTIONAL["model_name"] + ", " + OPTIONAL["model_config"]
    assert client(ALTER.format(more=more), model_id="mine", model_name="other", model_config='{"dimension": 4}') is True
    assert client(SET_TOKEN, model_id="mine", model_token="sk-y") is True
    assert db.value("select model_name from polar_ai._ai_models where model_id = 'mine'") == "other"
    assert client(DROP, model_id="mine") is True
    assert client(DROP, model_id="mine") is False
    assert client(ALTER.format(more=""), model_id="mine") is False
    assert client(SET_TOKEN, model_id="mine", model_token="sk-y") is False


def test_models_are_listed_in_the_order_of_their_registration(
    db: Database, client: Callable[..., Any], http_server: Callable[..., ScriptedServer]
) -> None:
    url = http_server(ColourClip()).url
    for model_id in ("b", "a"):
        client(CREATE.format(more=""), **{**MINE, "model_url": url, "model_id": model_id})
    assert [row[0] for row in db.rows(LIST.format(where=""))][-2:] == ["b", "a"]
    where = " WHERE model_provider = %s AND model_type = %s"
    assert len(db.rows(LIST.format(where=where), "clip-as-service", "embedding")) == 2


def test_texts_are_embedded_as_the_clients_two_ways_do(
    db: Database, client: Callable[..., Any], http_server: Callable[..., ScriptedServer]
) -> None:
    create(client, http_server(ColourClip()).url)
    assert client(TEXT_EMBEDDING, query="red", model_name="mine")[0] == 1.0
    assert str(db.value(INLINE)).startswith("[1,0,0")
