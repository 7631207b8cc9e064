"""What is a valid embedding has one answer: for a known provider's in Python, for a transform function's in SQL."""

from __future__ import annotations

import json

import pytest

from tests.support.database import Database
from tests.support.models import register
from udfs.runtime import vectors
from udfs.runtime.errors import PolarAIError

VALUES = [
    "[1, 2, 3]",
    "[1e38, -3.4028234e38, 0]",
    "[1, 1e-300, -1e-40]",
    "[0, 0, 1.1e-12]",
    "[0, 0, 1e-12]",
    "[9e-13, 9e-13, 9e-13]",
    "[0, 0, 0]",
    "[3.5e38, 1, 1]",
    "[1, -1e300, 1]",
    f"[1, {10**400}, 1]",
    "[1, 2]",
    "[1, 2, 3, 4]",
    "[]",
    "null",
    "true",
    "1",
    '"[1, 2, 3]"',
    '{"embedding": [1, 2, 3]}',
    "[1, null, 3]",
    '[1, "2", 3]',
    "[1, true, 3]",
    "[[1], [2], [3]]",
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: value[:40])
def test_python_and_sql_agree(db: Database, value: str) -> None:
    register(db, "http://127.0.0.1:9/post", "three", dimension=3)
    try:
        vectors.validate(json.loads(value), 3)
        expected = None
    except PolarAIError as error:
        expected = (error.scope, error.sqlstate, error.stage)
    found = db.value("select polarlens._embedding_error('three', %s::jsonb)", value)
    assert (found and (found["scope"], found["sqlstate"], found["stage"])) == expected
