"""A model of a known provider, and what comes of its inputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.support.database import Database
from tests.support.http_server import ScriptedServer

Register = Callable[..., ScriptedServer]


def items(db: Database, *contents: str) -> list[tuple[Any, Any, Any]]:
    """Return (embedding, error, SQLSTATE) of each content."""
    rows = db.rows("select item, embedding, error, sqlstate from polar_ai.ai_callmodels('m', %s)", list(contents))
    assert [row[0] for row in rows] == list(range(1, len(contents) + 1))
    return [row[1:] for row in rows]
