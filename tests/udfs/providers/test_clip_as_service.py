from __future__ import annotations

import base64
from typing import Any

import pytest

from udfs.providers import PROVIDERS, clip_as_service
from udfs.runtime.errors import PolarAIError
from udfs.runtime.model import Model

MODEL = Model("clip", "http://127.0.0.1:51000/post", "clip-as-service", "clip")


def test_it_is_found_by_its_name() -> None:
    assert PROVIDERS["clip-as-service"] is clip_as_service


def test_texts_and_images_become_items_in_order() -> None:
    body = clip_as_service.request(MODEL, ['a "quoted"\nline', b"\xff\xd8"])
    assert body["data"] == [{"text": 'a "quoted"\nline'}, {"blob": base64.b64encode(b"\xff\xd8").decode()}]
    assert body["parameters"] == {"drop_image_content": True}


@pytest.mark.parametrize(
    "header", [None, {}, "text", {"status": None}, {"status": {"code": 0}}, {"status": {"code": None}}]
)
def test_success_is_no_status_or_code_0(header: Any) -> None:
    response = {"header": header, "data": [{"embedding": [1.0]}, {"embedding": None}, {}, None]}
    assert clip_as_service.embeddings(MODEL, response, 4) == [[1.0], None, None, None]


FAULTS = [
    ([], "not a JSON object"),
    (None, "not a JSON object"),
    ({"header": {"status": {"code": 1, "description": "first\nsecond"}}, "data": [{}]}, "first second"),
    ({"header": {"status": {"code": 1}}, "data": [{}]}, "status code 1"),
    (
        {"header": {"status": {"code": 1, "exception": {"name": "OSError", "args": ["broken"], "stacks": ["at x"]}}}},
        "OSError: broken$",
    ),
    ({"header": {"status": {"code": 1, "exception": "text"}}}, "status code 1"),
    ({}, "no results for 1 inputs"),
    ({"data": None}, "no results for 1 inputs"),
    ({"data": {"0": {}}}, "no results for 1 inputs"),
    ({"data": []}, "0 results for 1 inputs"),
    ({"data": [{}, {}]}, "2 results for 1 inputs"),
]


@pytest.mark.parametrize(("response", "said"), FAULTS)
def test_anything_else_is_a_clear_error(response: Any, said: str) -> None:
    with pytest.raises(PolarAIError, match=said) as error:
        clip_as_service.embeddings(MODEL, response, 1)
    assert error.value.sqlstate == "08P01"
    assert error.value.message.startswith("model clip could not embed: ")
