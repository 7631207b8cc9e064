from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.support.pictures import decoded, picture
from udfs.providers import clip_as_service
from udfs.runtime import images
from udfs.runtime.embedding import Embedder, Outcome
from udfs.runtime.errors import PolarAIError
from udfs.runtime.interrupts import Operation, Slots
from udfs.runtime.model import Model
from udfs.runtime.vectors import Literal


class Service:
    """Answers request bodies as clip-as-service does: one bad text voids its whole batch."""

    def __init__(self, answer: Callable[[dict[str, Any]], Any] = lambda item: [float(len(str(item))), 1.0]) -> None:
        self.bodies: list[list[dict[str, Any]]] = []
        self.answer = answer
        self._lock = threading.Lock()

    def __call__(self, body: bytes) -> bytes:
        items = json.loads(body)["data"]
        with self._lock:
            self.bodies.append(items)
        if any(item.get("text") == "bad" for item in items):
            return json.dumps({"header": {"status": {"code": 1, "description": "bad item"}}}).encode()
        return json.dumps({"data": [{"embedding": self.answer(item)} for item in items]}).encode()


def embed(
    inputs: Sequence[str | bytes | None],
    service: Callable[[bytes], bytes],
    load: Callable[[str], bytes] = lambda path: b"",
    in_flight: int = 1,
    **config: Any,
) -> list[Outcome]:
    model = Model("clip", "http://127.0.0.1/post", "clip-as-service", "clip", {"dimension": 2, **config})
    embedder = Embedder(
        model,
        clip_as_service,
        lambda path, operation: load(path),
        lambda body, operation: service(body),
        images.for_model,
        requests=Slots(in_flight),
        decodes=Slots(2),
    )
    outcomes = embedder.embed(inputs, Operation(), lambda: None)
    return [outcome.floats() if isinstance(outcome, Literal) else outcome for outcome in outcomes]


def messages(outcomes: list[Outcome]) -> list[str | None]:
    return [outcome.message if isinstance(outcome, PolarAIError) else None for outcome in outcomes]


def test_a_good_batch_is_one_request() -> None:
    service = Service()
    assert len(embed([f"text {n}" for n in range(32)], service)) == 32
    assert len(service.bodies) == 1


def test_outcomes_keep_the_order_of_the_inputs_whatever_finishes_first() -> None:
    texts = [str(n) for n in range(1, 41)]
    outcomes = embed(texts, Service(lambda item: [float(item["text"]), 1.0]), in_flight=4, batch_size=3)
    assert outcomes == [[float(text), 1.0] for text in texts]


@pytest.mark.parametrize("position", [0, 13, 31])
def test_one_bad_item_among_32_is_isolated_in_few_requests(position: int) -> None:
    service = Service()
    outcomes = embed(["bad" if n == position else "good" for n in range(32)], service)

    assert [n for n, message in enumerate(messages(outcomes)) if message] == [position]
    assert messages(outcomes)[position] == "model clip could not embed: bad item"
    assert len(service.bodies) == 11  # 1 + 2 for each halving of 32


def test_no_input_is_no_request() -> None:
    service = Service()
    assert embed([], service) == [] and service.bodies == []


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "NULL or empty"),
        ("", "NULL or empty"),
        (b"", "NULL or empty"),
        (" \n ", "blank"),
        ("x" * 1_000_001, "1,000,001 characters"),
        (b"bytes", "cannot embed bytes"),
    ],
)
def test_what_is_no_text_is_an_error_of_its_own_and_never_sent(value: str | bytes | None, said: str) -> None:
    service = Service()
    before, bad, after = messages(embed(["a", value, "b"], service))
    assert before is None and after is None and said in str(bad)
    assert service.bodies == [[{"text": "a"}, {"text": "b"}]]


def test_images_are_loaded_and_reduced() -> None:
    service = Service()
    outcomes = embed(["/a.jpg", picture(300, 300)], service, lambda path: picture(1000, 500), input="image")
    assert messages(outcomes) == [None, None]
    sizes = [decoded(base64.b64decode(item["blob"])).size for item in service.bodies[0]]
    # A JPEG is decoded at half its size, which is near enough; a small one goes as it is.
    assert sizes == [(500, 250), (300, 300)]


def test_with_image_size_0_images_go_as_they_are() -> None:
    service = Service()
    embed([b"as it is"], service, input="image", image_size=0)
    assert service.bodies == [[{"blob": "YXMgaXQgaXM="}]]


@pytest.mark.parametrize("scope", ["item", "batch"])
def test_a_photo_that_cannot_be_loaded_is_its_own_error_even_where_its_host_is_down(scope: Any) -> None:
    def load(path: str) -> bytes:
        if path == "/gone.jpg":
            raise PolarAIError("gone", sqlstate="08001", stage="load", scope=scope)
        return picture()

    assert messages(embed(["/a.jpg", "/gone.jpg", "/b.jpg"], Service(), load, input="image")) == [None, "gone", None]


def test_a_damaged_photo_is_named_in_its_error() -> None:
    (message,) = messages(embed(["/a.jpg"], Service(), lambda path: b"nonsense", input="image"))
    assert str(message).startswith("/a.jpg is not an image")


def test_a_fault_of_the_service_is_raised_after_one_request() -> None:
    calls = []

    def down(body: bytes) -> bytes:
        calls.append(body)
        raise PolarAIError("down", sqlstate="08001", scope="batch")

    with pytest.raises(PolarAIError, match="down"):
        embed(["a"] * 64, down)
    assert len(calls) == 1


@pytest.mark.parametrize("content", [b"<html>Log in</html>", b"", b'{"data": [', b"[" * 100_000, b"\xff\xfe\xfd"])
def test_what_is_not_json_is_the_services_fault(content: bytes) -> None:
    calls = []

    def answer(body: bytes) -> bytes:
        calls.append(body)
        return content

    with pytest.raises(PolarAIError, match="something else than JSON") as error:
        embed(["a"] * 32, answer)
    assert (error.value.scope, error.value.sqlstate, len(calls)) == ("batch", "08P01", 1)


def test_a_wrong_dimension_stops_the_batch() -> None:
    with pytest.raises(PolarAIError, match="3 dimensions, not 2"):
        embed(["a", "b"], Service(lambda item: [1.0, 2.0, 3.0]))


def test_a_missing_or_unusable_embedding_is_the_items_own_error() -> None:
    answers = {"a": [1, 0], "null": None, "zeros": [0, 0], "b": [0, 1]}
    outcomes = embed(list(answers), Service(lambda item: answers[item["text"]]))
    assert outcomes[0] == [1.0, 0.0] and outcomes[3] == [0.0, 1.0]
    assert messages(outcomes)[1:3] == [
        "the model returned no embedding for this input",
        "the model returned an embedding of zeros",
    ]
