"""Generation and classification, and the built-in models that need only a token."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.database import Database
from tests.support.failure import Failure
from tests.support.http_server import Reply, Request, ScriptedServer
from tests.udfs.providers.models import Register

Fails = Callable[..., Failure]

OPENAI = {
    "id": "1",
    "object": "chat.completion",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi."}}],
}
MESSAGE = {"role": "assistant", "content": "Hi."}
GENERATION = {"output": {"choices": [{"finish_reason": "stop", "message": MESSAGE}]}, "usage": {}, "request_id": "1"}
NLU = {"output": {"rt": 0.06, "text": "积极;"}, "usage": {}, "request_id": "1"}
ASKED = {"model": "the-model", "input": {"messages": [{"role": "user", "content": "hello"}]}}


@pytest.mark.parametrize(
    ("provider", "answer", "sent"),
    [
        ("openai", OPENAI, {"model": "the-model", "messages": [{"role": "user", "content": "hello"}]}),
        ("dashscope", GENERATION, {**ASKED, "parameters": {"result_format": "message"}}),
        (
            "dashscope",
            {"output": {"text": "Hi.", "finish_reason": "stop"}},
            {**ASKED, "parameters": {"result_format": "message"}},
        ),
    ],
    ids=["openai", "dashscope", "dashscope's older answer"],
)
def test_a_text_is_generated(db: Database, register: Register, provider: str, answer: Any, sent: Any) -> None:
    server = register(provider, "text-generation", answer)
    assert db.value("select polar_ai.ai_text_generation('hello', 'm')") == "Hi."
    assert db.value("select polar_ai.ai_callmodel('m', 'hello'::text)") == "Hi."
    assert [request.json() for request in server.requests] == [sent, sent]
    assert server.requests[0].headers["Authorization"] == "Bearer sk-t0ken"


@pytest.mark.parametrize(
    ("config", "labels"),
    [({}, "积极,消极"), ({"labels": ["good", "bad"]}, "good,bad"), ({"labels": "x,y"}, "x,y")],
)
def test_a_text_is_classified(db: Database, register: Register, config: dict[str, Any], labels: str) -> None:
    server = register("dashscope", "text-classification", NLU, **config)
    assert db.value("select polar_ai.ai_text_classification('老师表扬我了', 'm')") == "积极"
    assert server.requests[0].json()["input"] == {
        "sentence": "老师表扬我了",
        "labels": labels,
        "task": "classification",
    }


EMPTY = [
    {},
    {"output": {}},
    {"output": {"text": ""}},
    {"output": {"choices": []}},
    {"output": {"choices": [{"message": None}]}},
]
EMPTY += [{"choices": []}, {"choices": [{"message": {"content": None}}]}, [], {"output": None}]


@pytest.mark.parametrize("answer", EMPTY, ids=str)
@pytest.mark.parametrize("provider", ["openai", "dashscope"])
def test_an_answer_without_a_text_is_an_error(
    db: Database, failure: Fails, register: Register, provider: str, answer: Any
) -> None:
    register(provider, "text-generation", answer)
    assert failure(db, "select polar_ai.ai_text_generation('hello', 'm')").sqlstate == "08P01"


def test_a_provider_that_only_embeds_says_so(db: Database, failure: Fails, register: Register) -> None:
    register("clip-as-service", "text-generation", {})
    error = failure(db, "select polar_ai.ai_text_generation('hello', 'm')")
    assert error.sqlstate == "22023" and "only embeds" in error.message


# --- built-in models ---------------------------------------------------------------------------------

BUILT_IN = {
    "_dashscope/text_embedding/text_embedding_v2": (
        "embeddings/text-embedding/text-embedding", "text-embedding-v2", 1536,
    ),
    "_dashscope/text_embedding/text_embedding_v3": (
        "embeddings/text-embedding/text-embedding", "text-embedding-v3", 1024,
    ),
    "_dashscope/text-classfication/opennlu-v1": ("nlp/nlu/understanding", "opennlu-v1", None),
    "_dashscope/text-generation/deepseek-r1": ("aigc/text-generation/generation", "deepseek-r1", None),
    "_dashscope/multimodal_embedding/text": (
        "embeddings/multimodal-embedding/multimodal-embedding", "multimodal-embedding-v1", 1024,
    ),
    "_dashscope/multimodal_embedding/image": (
        "embeddings/multimodal-embedding/multimodal-embedding", "multimodal-embedding-v1", 1024,
    ),
}  # fmt: skip


def test_the_built_in_models_are_rows_that_need_only_a_token(db: Database) -> None:
    rows = db.rows(
        "select model_id, model_url, model_name, (model_config ->> 'dimension')::int, model_config ->> 'token'"
        " from polar_ai._ai_models where model_id like '\\_%%' order by model_seq"
    )
    service = "https://dashscope.aliyuncs.com/api/v1/services/"
    assert {row[0]: (row[1].removeprefix(service), row[2], row[3]) for row in rows} == BUILT_IN
    assert {row[4] for row in rows} == {""}


def dashscope(request: Request) -> Reply:
    """Answer as the vendor's service: by path, and only to the right token."""
    if request.headers.get("Authorization") != "Bearer sk-all":
        return Reply(401, body={"code": "InvalidApiKey", "message": "Invalid API-key provided.", "request_id": "1"})
    body = request.json()
    if request.path.endswith("generation"):
        return Reply(body=GENERATION)
    if request.path.endswith("understanding"):
        return Reply(body=NLU)
    size = {"text-embedding-v2": 1536}.get(body["model"], 1024)
    inputs = body["input"].get("texts") or body["input"]["contents"]
    found = [{"text_index": at, "embedding": [float(at + 1)] * size} for at in range(len(inputs))]
    return Reply(body={"output": {"embeddings": found[::-1]}, "usage": {"total_tokens": 1}, "request_id": "1"})


@pytest.fixture
def built_in(db: Database, http_server: Callable[..., ScriptedServer]) -> Iterator[ScriptedServer]:
    """The built-in models, altered as the documents show: to another URL."""
    server = http_server(dashscope)
    before = db.rows("select model_id, model_url from polar_ai.models where model_id like '\\_%%'")
    for model_id, url in before:
        assert db.value(
            "select polar_ai.ai_altermodel(%s, model_url => %s)", model_id, server.url + url.partition("com")[2]
        )
    yield server
    for model_id, url in before:
        db.value("select polar_ai.ai_altermodel(%s, model_url => %s)", model_id, url)
    db.value("select polar_ai.ai_setmodeltoken('_dashscope%%', '')")


CALLS = {
    "ai_text_embedding('hello')": 1536,
    "ai_text_embedding('hello', '_dashscope/text_embedding/text_embedding_v3')": 1024,
    "ai_text_embedding('hello', '_dashscope/multimodal_embedding/text')": 1024,
}


def test_without_a_token_the_service_refuses_and_the_error_says_what_to_do(
    db: Database, failure: Fails, built_in: ScriptedServer
) -> None:
    for call in (*CALLS, "ai_text_generation('hello')", "ai_text_classification('hello')"):
        error = failure(db, f"select polar_ai.{call}")
        assert error.sqlstate == "28000" and "ai_setmodeltoken" in str(error.hint)


def test_one_token_opens_all_of_them(db: Database, built_in: ScriptedServer) -> None:
    assert db.value("select polar_ai.ai_setmodeltoken('_dashscope%%', 'sk-all')") is True
    assert {call: db.value(f"select cardinality(polar_ai.{call})") for call in CALLS} == CALLS
    assert db.value("select polar_ai.ai_text_generation('hello')") == "Hi."
    assert db.value("select polar_ai.ai_text_classification('hello')") == "积极"
    assert db.value("select count(*) from polar_ai.ai_text_embedding(array_fill('x'::text, array[60]))") == 60
    # The documents' most texts in one request.
    assert max(len(request.json()["input"].get("texts", [])) for request in built_in.requests) == 25


def test_a_built_in_model_cannot_be_dropped_and_no_id_like_it_made(db: Database, failure: Fails) -> None:
    assert failure(db, "select polar_ai.ai_dropmodel('_dashscope/text-generation/deepseek-r1')").sqlstate == "42501"
    assert failure(db, "select polar_ai.ai_createmodel('_mine', 'http://x', 'openai')").sqlstate == "22023"
