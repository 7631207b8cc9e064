from __future__ import annotations

import json

from udfs.runtime.errors import PolarAIError, excerpt


def test_an_error_can_be_told_to_postgresql_whatever_it_quotes() -> None:
    error = PolarAIError("a\0b", sqlstate="08P01", hint="half \ud800 pair", detail="good 😀 text")

    told = json.loads(json.dumps(error.as_dict()).encode("utf-8"))

    assert told == {
        "message": "a�b",
        "sqlstate": "08P01",
        "hint": "half ? pair",
        "detail": "good 😀 text",
        "stage": "request",
    }
    assert "\\u0000" not in json.dumps(error.as_dict())


def test_an_excerpt_is_one_short_line() -> None:
    assert excerpt(" a\n\tb  c ") == "a b c"
    assert excerpt("x" * 500) == "x" * 199 + "…"
