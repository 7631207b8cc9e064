"""The database as the runtime sees it: one small interface."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol


class Database(Protocol):
    """A connection, as PL/Python's module ``plpy`` is one. Only the thread that was given it may use it.

    A host outside the server brings its own, with one more method: ``poll()``, which raises ``SPIError`` if nobody
    waits for the statement any longer. Statements run with search_path pg_catalog, as the owner of polar_ai.
    """

    @property
    def SPIError(self) -> type[Exception]:
        """Return the class of a failed statement's error, a cancel's too; it carries a ``sqlstate``."""

    def prepare(self, query: str, types: list[str], /) -> Any:
        """Return a plan of a query with parameters $1, $2 …, valid as long as the connection."""

    def execute(self, query: Any, arguments: list[Any] = ..., /) -> Sequence[Mapping[str, Any]]:
        """Run a query's text, or a plan with its arguments. Return rows by column: text, numbers, booleans, lists."""
