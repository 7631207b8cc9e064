"""Embeddings of every known provider, through SQL: what is sent, and what becomes of each shape of answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.database import Database
from tests.support.failure import Failure
from tests.support.http_server import Reply, Request
from tests.support.pictures import picture
from tests.udfs.providers.models import Register, items

Fails = Callable[..., Failure]


def vector(text: str) -> list[float]:
    return [float(len(text)), 1.0]


def clip_as_service(body: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"embedding": vector(item["text"])} for item in body["data"]]


def clip_answer(results: Any) -> dict[str, Any]:
    return {"header": {"status": None}, "data": results}


def openai(body: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"object": "embedding", "index": at, "embedding": vector(text)} for at, text in enumerate(body["input"])]


def openai_answer(results: Any) -> dict[str, Any]:
    return {"object": "list", "data": results, "model": "the-model", "usage": {"prompt_tokens": 3, "total_tokens": 3}}


def dashscope(body: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"text_index": at, "embedding": vector(text)} for at, text in enumerate(body["input"]["texts"])]


def dashscope_answer(results: Any) -> dict[str, Any]:
    return {"output": {"embeddings": results}, "usage": {"total_tokens": 3}, "request_id": "1ba94ac8"}


def multimodal(body: dict[str, Any]) -> list[dict[str, Any]]:
    contents = body["input"]["contents"]
    return [{"index": at, "embedding": vector(item["text"]), "type": "text"} for at, item in enumerate(contents)]


# name: (provider, model_type, the body that embeds two texts, results of a body, an answer around results)
WIRE: dict[str, tuple[str, str, Any, Any, Any]] = {
    "clip-as-service": (
        "clip-as-service",
        "embedding",
        {
            "data": [{"text": "one"}, {"text": "three"}],
            "execEndpoint": "/",
            "parameters": {"drop_image_content": True},
        },
        clip_as_service,
        clip_answer,
    ),
    "openai": (
        "openai",
        "embedding",
        {"model": "the-model", "input": ["one", "three"], "encoding_format": "float"},
        openai,
        openai_answer,
    ),
    "dashscope": (
        "dashscope",
        "text-embedding",
        {"model": "the-model", "parameters": {}, "input": {"texts": ["one", "three"]}},
        dashscope,
        dashscope_answer,
    ),
    "dashscope multimodal": (
        "dashscope",
        "multimodal-embedding",
        {"model": "the-model", "parameters": {}, "input": {"contents": [{"text": "one"}, {"text": "three"}]}},
        multimodal,
        dashscope_answer,
    ),
}
INDEXED = [name for name in WIRE if name != "clip-as-service"]


@pytest.mark.parametrize("name", WIRE)
def test_texts_are_sent_as_the_providers_own_client_does(db: Database, register: Register, name: str) -> None:
    provider, kind, body, results, answer = WIRE[name]
    server = register(provider, kind, lambda request: Reply(body=answer(results(request.json()))))
    assert items(db, "one", "three") == [([3.0, 1.0], None, None), ([5.0, 1.0], None, None)]
    (request,) = server.requests
    assert request.json() == body and (request.method, request.path) == ("POST", "/v1/endpoint")
    assert request.headers["Authorization"] == "Bearer sk-t0ken"
    assert request.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("name", WIRE)
@pytest.mark.parametrize(
    "query",
    [
        "ai_callmodel('m', 'hello'::text)::text::jsonb::text",
        "ai_text_embedding('hello', 'm')::jsonb::text",
        "ai_embedding('m', 'hello')::jsonb::text",
    ],
    ids=["ai_callmodel", "ai_text_embedding", "ai_embedding"],
)
def test_each_function_gives_the_same_embedding(db: Database, register: Register, name: str, query: str) -> None:
    provider, kind, _, results, answer = WIRE[name]
    register(provider, kind, lambda request: Reply(body=answer(results(request.json()))))
    query = query.replace("::jsonb::text", "") if "callmodel" in query else f"to_jsonb(polar_ai.{query.split('::')[0]})"
    found = db.value(f"select {query if query.startswith('to_jsonb') else 'polar_ai.' + query}")
    assert found in ([5, 1], "[5, 1]", "[5.0, 1.0]")


@pytest.mark.parametrize("name", INDEXED)
def test_results_out_of_order_find_their_inputs(db: Database, register: Register, name: str) -> None:
    provider, kind, _, results, answer = WIRE[name]
    register(provider, kind, lambda request: Reply(body=answer(results(request.json())[::-1])))
    assert [found[0] for found in items(db, "a", "bb", "ccc")] == [[1.0, 1.0], [2.0, 1.0], [3.0, 1.0]]


def broken(how: str, results: list[dict[str, Any]]) -> Any:
    """Return ``results`` as a service that is out of step gives them, where there is more than one."""
    index = next((key for key in ("index", "text_index") if key in results[0]), "none")
    if how in ("no array", "an object"):
        return None if how == "no array" else {"0": results[0]}
    if len(results) == 1:
        return results
    return {
        "one too few": results[1:],
        "one too many": [*results, results[0]],
        "an index twice": [{**result, index: 0} for result in results],
        "an index beyond": [{**result, index: at + 1} for at, result in enumerate(results)],
        "an index of null": [{**result, index: None} for result in results],
        "an index in words": [{**result, index: str(at)} for at, result in enumerate(results)],
        "some indexes missing": [{k: v for k, v in results[0].items() if k != index}, {**results[1], index: 0}],
        "a null in the array": [None, *results[1:]],
    }[how]


ALWAYS = ["one too few", "one too many", "no array", "an object"]
BY_INDEX = ["an index twice", "an index beyond", "an index of null", "an index in words", "some indexes missing"]


@pytest.mark.parametrize(
    ("name", "how"),
    [*((name, how) for name in WIRE for how in ALWAYS), *((n, how) for n in INDEXED for how in BY_INDEX)],
)
def test_no_input_gets_anothers_embedding(db: Database, register: Register, name: str, how: str) -> None:
    provider, kind, _, results, answer = WIRE[name]
    server = register(provider, kind, lambda request: Reply(body=answer(broken(how, results(request.json())))))
    found = items(db, "a", "bb")
    if how in ("no array", "an object"):
        assert [one[2] for one in found] == ["08P01", "08P01"] and "results for 1 inputs" in found[0][1]
    else:  # asked again one by one, each is right
        assert [one[0] for one in found] == [[1.0, 1.0], [2.0, 1.0]]
    assert len(server.requests) == 3


@pytest.mark.parametrize("name", WIRE)
@pytest.mark.parametrize("embedding", [None, [], "text", [1, None], [0, 0], {"a": 1}, [1, "2"]], ids=str)
def test_an_unusable_embedding_is_an_error_of_its_item(
    db: Database, register: Register, name: str, embedding: Any
) -> None:
    provider, kind, _, results, answer = WIRE[name]

    def handler(request: Request) -> Reply:
        found = results(request.json())
        return Reply(
            body=answer([{**one, "embedding": embedding} if one["embedding"][0] == 3 else one for one in found])
        )

    register(provider, kind, handler)
    found = items(db, "a", "bad", "bb")
    assert [one[0] for one in found] == [[1.0, 1.0], None, [2.0, 1.0]]
    assert found[1][2] == "08P01" and found[1][1]


@pytest.mark.parametrize("name", WIRE)
def test_one_bad_item_of_many_is_isolated_by_halves(db: Database, register: Register, name: str) -> None:
    provider, kind, _, results, answer = WIRE[name]

    def handler(request: Request) -> Reply:
        return Reply(400, body="no") if b"bad" in request.body else Reply(body=answer(results(request.json())))

    server = register(provider, kind, handler, batch_size=32)
    found = items(db, *("a" * (at + 1) if at != 20 else "bad" for at in range(32)))
    assert [at for at, one in enumerate(found) if one[0] is None] == [20]
    assert found[20][2] == "08P01" and len(server.requests) == 1 + 2 * 5


ERRORS = {
    "clip-as-service": [
        (
            200,
            {"header": {"status": {"code": 1, "description": "out of memory"}}, "data": []},
            "08P01",
            "out of memory",
        ),
        (401, {"detail": "no"}, "28000", "not authorised"),
    ],
    "openai": [
        (401, {"error": {"message": "Incorrect API key provided", "type": "invalid_request_error"}}, "28000", "401"),
        (200, {"error": {"message": "the model is loading", "code": 1}}, "08P01", "the model is loading"),
        (200, {"error": "the model is loading"}, "08P01", "the model is loading"),
        (404, {"error": {"message": "no such model"}}, "08P01", "404"),
        (429, {"error": {"message": "slow down"}}, "53000", "429"),
    ],
    "dashscope": [
        (401, {"code": "InvalidApiKey", "message": "Invalid API-key provided.", "request_id": "1"}, "28000", "401"),
        (200, {"code": "InvalidApiKey", "message": "Invalid API-key provided."}, "28000", "Invalid API-key"),
        (200, {"code": "DataInspectionFailed", "message": "inappropriate"}, "08P01", "DataInspectionFailed"),
        (400, {"code": "InvalidParameter", "message": "batch size"}, "08P01", "400"),
        (200, {"request_id": "1"}, "08P01", "no output"),
        (200, [1], "08P01", "not a JSON object"),
    ],
}


@pytest.mark.parametrize(
    ("provider", "status", "body", "sqlstate", "said"),
    [(provider, *case) for provider, cases in ERRORS.items() for case in cases],
)
def test_an_error_of_the_service_is_told_in_its_own_words(
    db: Database, failure: Fails, register: Register, provider: str, status: int, body: Any, sqlstate: str, said: str
) -> None:
    db.run("set polar.ai.http_timeout_msec = 300")
    register(provider, "text-embedding", lambda request: Reply(status, body=body))
    error = failure(db, "select polar_ai.ai_callmodel('m', 'x'::text)")
    assert error.sqlstate == sqlstate and said in error.everything and "sk-t0ken" not in error.everything


@pytest.mark.parametrize(
    ("provider", "kind", "inner"),
    [
        ("clip-as-service", "embedding", lambda body: body["data"][0]["blob"]),
        ("openai", "embedding", lambda body: body["input"][0]),
        ("dashscope", "multimodal-embedding", lambda body: body["input"]["contents"][0]["image"]),
    ],
)
def test_an_image_is_sent_reduced_in_the_providers_own_spelling(
    db: Database, register: Register, photos: Path, provider: str, kind: str, inner: Callable[[Any], str]
) -> None:
    (photos / "a.png").write_bytes(picture(640, 480, "PNG"))
    answers = {
        "clip-as-service": clip_answer([{"embedding": [1, 2]}]),
        "openai": openai_answer([{"index": 0, "embedding": [1, 2]}]),
        "dashscope": dashscope_answer([{"index": 0, "embedding": [1, 2], "type": "image"}]),
    }
    server = register(provider, kind, answers[provider], input="image", image_size=64)
    db.run("select polar_ai.ai_allow(%s)", f"file://{photos}")
    assert items(db, f"{photos}/a.png") == [([1.0, 2.0], None, None)]
    sent = inner(server.requests[0].json())
    assert sent.startswith("/9j/" if provider == "clip-as-service" else "data:image/jpeg;base64,/9j/")
    assert ("modality" in server.requests[0].json()) == (provider == "openai")


@pytest.mark.parametrize("name", WIRE)
def test_parameters_of_the_registration_are_sent_along(db: Database, register: Register, name: str) -> None:
    provider, kind, _, results, answer = WIRE[name]
    server = register(
        provider, kind, lambda request: Reply(body=answer(results(request.json()))), parameters={"dimensions": 2}
    )
    items(db, "a")
    body = server.requests[0].json()
    if provider == "openai":
        assert body["dimensions"] == 2
    elif provider == "dashscope":
        assert body["parameters"] == {"dimensions": 2}
