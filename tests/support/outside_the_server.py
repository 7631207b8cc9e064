"""The runtime's database outside the server: psycopg instead of PL/Python's plpy."""

from __future__ import annotations

import threading
from typing import Any

import psycopg
from psycopg.rows import dict_row


class PsycopgDatabase:
    """A ``udfs.runtime.database.Database`` over a connection. Setting ``cancelled`` is its caller's cancel."""

    SPIError = psycopg.Error

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.cancelled = threading.Event()
        # Parameters are written $1 here, as PL/Python has them.
        self._cursor = psycopg.RawCursor(connection, row_factory=dict_row)

    def prepare(self, query: str, types: list[str], /) -> str:
        return query

    def execute(self, query: str, arguments: list[Any] | None = None, /) -> list[dict[str, Any]]:
        self._cursor.execute(query.encode(), arguments)
        return self._cursor.fetchall() if self._cursor.description else []

    def poll(self) -> None:
        if self.cancelled.is_set():
            raise psycopg.errors.QueryCanceled("canceling statement due to user request")
