"""Recorded answers of clip-as-service through the whole path: SQL, HTTP, parsing, checks."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.database import Database
from tests.support.failure import Failure
from tests.support.http_server import Reply, Request, ScriptedServer
from tests.support.models import register
from tests.support.raw_server import SLOW, SLOW_NAMES, Behaviour, RawServer
from tests.udfs.contract.samples import DIMENSION, FOLDER, answer, filled, sample

Start = Callable[..., ScriptedServer]
Row = tuple[int, list[float] | None, dict[str, Any] | None]


def embed(db: Database, *texts: str | None, in_flight: int = 1) -> list[Row]:
    """Embed texts as a refresh does; an item is either an embedding or an error, never neither or both."""
    rows = db.rows("select item, embedding::jsonb, error from polarlens._embed('clip', %s, %s)", list(texts), in_flight)
    for _, embedding, error in rows:
        assert (embedding is None) is not (error is None)
        assert embedding is None or len(embedding) == DIMENSION
    return rows  # type: ignore[return-value]


def serve(db: Database, http_server: Start, reply: Callable[[Request], Reply] | str, **config: Any) -> ScriptedServer:
    """Register a model that gives a recorded answer, or what ``reply`` makes."""
    server = http_server((lambda request: sample(reply)) if isinstance(reply, str) else reply)
    register(db, f"{server.url}/post", dimension=DIMENSION, **config)
    return server


def test_the_samples_name_no_machine() -> None:
    for file in FOLDER.glob("*.json"):
        text = file.read_text("utf-8")
        assert "/home/" not in text and "/root/" not in text and len(text) < 100_000


def test_a_recorded_embedding_arrives_number_by_number(db: Database, http_server: Start) -> None:
    recorded = json.loads((FOLDER / "full_text_8.json").read_text("utf-8"))
    serve(db, http_server, lambda request: Reply(body=recorded))
    rows = embed(db, *(f"text {number}" for number in range(8)))
    assert [row[1] for row in rows] == [item["embedding"] for item in recorded["data"]]


@pytest.mark.parametrize("name", ["ok_text_1", "ok_blob_1", "nul_in_text"])
def test_a_recorded_success_is_one_request(db: Database, http_server: Start, name: str) -> None:
    server = serve(db, http_server, name)
    ((item, embedding, _),) = embed(db, "First do it")
    recorded = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))["response"]["data"][0]["embedding"]
    assert (item, embedding) == (1, filled(recorded))
    assert len(server.requests) == 1
    assert server.requests[0].path == "/post"
    assert server.requests[0].json()["data"] == [{"text": "First do it"}]


# Recorded answer to one item: (its error's message, its SQLSTATE, whether it stops the batch, requests).
SINGLE = {
    "err_invalid_image_bytes": ("cannot identify image file", "08P01", False),
    "err_truncated_png": ("could not embed", "08P01", False),
    "err_uri_missing_file": ("could not embed", "08P01", False),
    "err_bad_base64_chars": ("HTTP status 500", "08P01", False),
    "lone_surrogate": ("HTTP status 500", "08P01", False),
    "item_empty": ("no embedding for this input", "08P01", False),
    "empty_data_list": ("0 results for 1 inputs", "08P01", False),
    "data_missing": ("0 results for 1 inputs", "08P01", False),
    "dup_ids": ("2 results for 1 inputs", "08P01", False),
    "bad_json": ("HTTP status 422", "08P01", False),
    "data_wrong_type_str": ("HTTP status 422", "08P01", False),
    "bad_utf8": ("HTTP status 400", "08P01", False),
    "startup_503": ("HTTP status 503", "53000", True),
    "executor_killed_post": ("HTTP status 503", "53000", True),
    "timeout_send_60ms_32texts": ("HTTP status 504", "53000", True),
    "unknown_path": ("HTTP status 404", "08P01", True),
}


@pytest.mark.parametrize("name", SINGLE)
def test_a_recorded_fault_is_an_error_of_the_right_scope(
    db: Database, failure: Callable[..., Failure], http_server: Start, name: str
) -> None:
    said, sqlstate, stops = SINGLE[name]
    server = serve(db, http_server, name)
    ((item, embedding, error),) = embed(db, "x")
    assert embedding is None and error is not None
    assert said in error["message"] and "stack" not in error["message"]
    assert (error["sqlstate"], item) == (sqlstate, 0 if stops else 1)
    assert len(server.requests) == 1
    assert failure(db, "select polar_ai.ai_embedding('clip', 'never asked')").sqlstate == sqlstate
    assert failure(db, "select polar_ai.ai_callmodel('clip', 'never asked'::text)").sqlstate == sqlstate


@pytest.mark.parametrize("name", [name for name, fault in SINGLE.items() if fault[2]])
def test_a_service_that_is_down_is_asked_once_for_a_batch(db: Database, http_server: Start, name: str) -> None:
    server = serve(db, http_server, name)
    assert [row[0] for row in embed(db, *["x"] * 32)] == [0]
    assert len(server.requests) == 1


def test_empty_items_fail_alone_in_one_request(db: Database, http_server: Start) -> None:
    server = serve(db, http_server, "item_ok_plus_empty")
    rows = embed(db, "a", "b", "c", "d")
    assert [embedding is not None for _, embedding, _ in rows] == [True, False, True, False]
    assert len(server.requests) == 1


def all_or_nothing(fault: str) -> Callable[[Request], Reply]:
    """Answer as the recorded service does: one bad item voids its whole request."""

    def reply(request: Request) -> Reply:
        texts = [item["text"] for item in request.json()["data"]]
        if any(text.startswith("bad") for text in texts):
            return sample(fault)
        return Reply(body=answer([[float(len(text))] + [1.0] * 511 for text in texts]))

    return reply


@pytest.mark.parametrize("fault", ["err_one_bad_in_batch", "err_one_bad64_in_batch"])
@pytest.mark.parametrize("position", [0, 17, 31])
def test_one_bad_item_among_32_is_isolated(db: Database, http_server: Start, fault: str, position: int) -> None:
    server = serve(db, http_server, all_or_nothing(fault))
    texts = ["bad" if number == position else "x" * (number + 1) for number in range(32)]
    rows = embed(db, *texts)
    assert [item for item, embedding, _ in rows if embedding is None] == [position + 1]
    assert all(row[1][0] == len(text) for row, text in zip(rows, texts, strict=True) if row[1])
    assert len(server.requests) == 11


def test_several_bad_items_are_all_isolated(db: Database, http_server: Start) -> None:
    serve(db, http_server, all_or_nothing("err_one_bad_in_batch"), batch_size=8)
    bad = {0, 3, 4, 15, 20, 39}
    rows = embed(db, *("bad" if number in bad else "good" for number in range(40)), in_flight=4)
    assert {item - 1 for item, embedding, _ in rows if embedding is None} == bad
    assert [item for item, _, _ in rows] == list(range(1, 41))


@pytest.mark.parametrize(("count", "requests"), [(1, 1), (32, 1), (33, 2), (100, 4)])
def test_in_the_good_case_a_batch_is_one_request(db: Database, http_server: Start, count: int, requests: int) -> None:
    server = serve(db, http_server, all_or_nothing("err_one_bad_in_batch"))
    assert len(embed(db, *["good"] * count)) == count
    assert len(server.requests) == requests


@pytest.mark.parametrize("change", [-1, 1])
def test_an_array_of_another_length_gives_no_input_its_neighbours_embedding(
    db: Database, http_server: Start, change: int
) -> None:
    def reply(request: Request) -> Reply:
        count = len(request.json()["data"])
        return Reply(body=answer([[1.0] * 512] * (count if count == 1 else count + change)))

    serve(db, http_server, reply)
    rows = embed(db, *["x"] * 4)
    assert [item for item, _, _ in rows] == [1, 2, 3, 4]  # asked again one by one


UNUSABLE: dict[str, Any] = {
    "null": None,
    "empty": [],
    "text": "0.1",
    "NaN": [float("nan")] + [1.0] * 511,
    "infinity": [float("inf")] + [1.0] * 511,
    "zeros": [0.0] * 512,
    "null inside": [None] + [1.0] * 511,
    "too large": [1e39] + [1.0] * 511,
    "cut by the recorder": [0.1, 0.2, "... 512 floats in all"] + [0.1] * 509,
}


@pytest.mark.parametrize("embedding", UNUSABLE.values(), ids=UNUSABLE)
def test_an_unusable_embedding_fails_alone_in_one_request(db: Database, http_server: Start, embedding: Any) -> None:
    server = serve(
        db, http_server, lambda request: Reply(body=json.dumps(answer([[1.0] * 512, embedding, [2.0] * 512])))
    )
    rows = embed(db, "a", "b", "c")
    assert [found is not None for _, found, _ in rows] == [True, False, True]
    assert len(server.requests) == 1


@pytest.mark.parametrize("length", [1, 511, 513, 768])
def test_a_wrong_dimension_stops_the_batch_and_says_what_to_do(db: Database, http_server: Start, length: int) -> None:
    server = serve(db, http_server, lambda request: Reply(body=answer([[1.0] * length] * 2)))
    ((item, _, error),) = embed(db, "a", "b")
    assert item == 0 and error is not None
    assert f"{length} dimensions, not 512" in error["message"] and "Register it under an id" in error["hint"]
    assert len(server.requests) == 1


def test_an_answer_of_30_megabytes_is_read(db: Database, http_server: Start) -> None:
    padding = " " * 30 * 2**20
    serve(db, http_server, lambda request: Reply(body=json.dumps(answer([[1.0] * 512])) + padding))
    ((_, embedding, _),) = embed(db, "x")
    assert embedding == [1.0] * 512


def test_an_answer_beyond_the_limit_stops_the_batch(db: Database, http_server: Start) -> None:
    serve(db, http_server, lambda request: Reply(body=b"[" + b" " * 65 * 2**20))
    ((item, _, error),) = embed(db, "x")
    assert error is not None and (item, error["sqlstate"]) == (0, "54000")


@pytest.mark.parametrize("behaviour", SLOW, ids=SLOW_NAMES)
def test_a_service_that_stalls_stops_the_batch_in_time(
    db: Database, raw_server: Callable[[Behaviour], RawServer], behaviour: Behaviour
) -> None:
    server = raw_server(behaviour)
    register(db, server.url, dimension=512)
    db.run("set polar.ai.http_timeout_msec = 300")
    ((item, _, error),) = embed(db, *["x"] * 32)
    assert error is not None and (item, error["sqlstate"]) == (0, "08006")
    assert server.connections == 1


def test_a_service_that_closes_idle_connections_fails_nobody(db: Database, http_server: Start) -> None:
    state = {"requests": 0}

    def reply(request: Request) -> Reply:
        # Every second request on a kept connection meets a server that has just closed it.
        state["requests"] += 1
        if state["requests"] % 3 == 2:
            raise ConnectionResetError
        return Reply(body=answer([[1.0] * 512]))

    serve(db, http_server, reply)
    for _ in range(6):
        assert [item for item, _, _ in embed(db, "x")] == [1]


def test_a_service_that_is_gone_stops_the_batch(db: Database) -> None:
    register(db, "http://127.0.0.1:9/post", dimension=512)
    ((item, _, error),) = embed(db, *["x"] * 32)
    assert error is not None and (item, error["sqlstate"]) == (0, "08001")
    assert "Is the service running" in error["hint"]
