from __future__ import annotations

import json
import math
from typing import Any

import pytest

from udfs.runtime import vectors
from udfs.runtime.errors import PolarAIError


def test_a_good_embedding_is_returned_as_floats() -> None:
    checked = vectors.validate([1, -2.5, 0], 3)
    assert checked == [1.0, -2.5, 0.0]
    assert all(type(number) is float for number in checked)


def test_any_length_is_good_where_the_dimension_is_unknown() -> None:
    assert vectors.validate([1.0, 2.0], None) == [1.0, 2.0]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "no embedding"),
        ([], "an empty array"),
        ("0.1,0.2,0.3", "a JSON str"),
        ({"0": 1}, "a JSON dict"),
        (7, "a JSON int"),
        (True, "a JSON bool"),
        ([0.1, "0.2", 0.3], "something else than numbers"),
        ([0.1, None, 0.3], "something else than numbers"),
        ([0.1, True, 0.3], "something else than numbers"),
        ([[0.1], [0.2], [0.3]], "something else than numbers"),
        ([0.1, math.nan, 0.3], "NaN or infinity"),
        ([0.1, math.inf, 0.3], "NaN or infinity"),
        ([0.1, -math.inf, math.nan], "NaN or infinity"),
        ([0.1, 10**400, 0.3], "something else than numbers"),
        ([0.1, 1e39, 0.3], "too large for 32 bits"),
        ([0.1, -(10**39), 0.3], "too large for 32 bits"),
        ([0, 0, 0], "zeros"),
        ([0.0, -0.0, 1e-30], "zeros"),
    ],
)
def test_anything_else_is_the_items_fault(value: Any, said: str) -> None:
    with pytest.raises(PolarAIError, match=said) as error:
        vectors.validate(value, 3)
    assert (error.value.scope, error.value.sqlstate, error.value.stage) == ("item", "08P01", "response")


@pytest.mark.parametrize("value", [[0.1, 0.2], [0.1] * 4])
def test_a_wrong_dimension_is_the_batchs_fault(value: list[float]) -> None:
    with pytest.raises(PolarAIError, match=f"{len(value)} dimensions, not 3") as error:
        vectors.validate(value, 3)
    assert (error.value.scope, error.value.sqlstate) == ("batch", "08P01")


def test_numbers_too_small_for_32_bits_become_zero() -> None:
    assert vectors.validate([1.0, 1e-40, -1e-300], 3) == [1.0, 0.0, 0.0]


@pytest.mark.parametrize(
    "array", ["[1,2.5,-0.25]", "[0.1, 0.2, 0]", "[1e-9,0.0,-3]", "[-0.40000000596046448,1.5e-05,0.1]", "[7]"]
)
def test_plain_embeddings_are_cut_out_as_they_stand(array: str) -> None:
    skeleton, cut = vectors.cut(b'{"data":[{"embedding": %b,"id":"1"}]}' % array.encode())
    ((mark, literal),) = cut.items()
    assert json.loads(skeleton) == {"data": [{"embedding": mark, "id": "1"}]}
    assert literal == array
    assert literal.dimension == len(json.loads(array))
    assert literal.floats() == json.loads(array)
    assert vectors.validate(literal, literal.dimension) is literal


@pytest.mark.parametrize(
    "array",
    [
        "[]",
        "[0,0.0,-0]",
        "[0.0000000000001]",
        "[1e-40]",
        "[0.000001e-9]",
        "[0.00000000000000000000000000000000000000001,1]",
        "[1e39]",
        "[1e10]",
        "[12345678901]",
        "[1,NaN]",
        "[1,null]",
        "[1,true]",
        "[1,[2]]",
        "[1,2,]",
        "[1-2]",
        "[01]",
        "[1.]",
        '[1,"2"]',
        "[--1]",
        "[1 2]",
    ],
)
def test_whatever_else_is_left_for_somebody_to_look_at(array: str) -> None:
    answer = b'{"embedding":%b}' % array.encode()
    assert vectors.cut(answer) == (answer, {})
