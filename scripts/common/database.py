"""Connections to the database of libpq's variables."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import psycopg

from scripts.common.errors import UserError


@contextlib.contextmanager
def connected(autocommit: bool = False) -> Iterator[psycopg.Connection[Any]]:
    """Connect while the block runs; commit after it unless ``autocommit`` has done so.

    Raises:
        UserError: the connection cannot be made, or is lost.
    """
    try:
        with psycopg.connect(autocommit=autocommit) as connection:
            yield connection
    except psycopg.OperationalError as error:
        raise UserError(
            f"Cannot connect to the database: {error}\nSet PGHOST, PGPORT, PGUSER, PGPASSWORD and PGDATABASE."
        ) from error


def is_local(info: psycopg.ConnectionInfo) -> bool:
    """Tell whether the server is on this machine: a path means the same file to both, and nobody listens between."""
    return info.host.startswith("/") or info.hostaddr in ("127.0.0.1", "::1")
