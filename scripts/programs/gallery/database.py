"""The connection that searches run in: to the server of libpq's variables, or to quickstart's."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.rows import dict_row

from scripts.common.paths import state_home
from scripts.programs.gallery.errors import GalleryError, explain
from scripts.programs.local_postgres.server import LocalPostgres

Connection = psycopg.Connection[dict[str, Any]]
SECONDS = 60
_KEYWORDS = {"PGHOST": "host", "PGPORT": "port", "PGUSER": "user", "PGPASSWORD": "password", "PGDATABASE": "dbname"}


class Database:
    """One connection, opened when it is first needed and again when it was lost; one search at a time uses it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: Connection | None = None

    @contextmanager
    def session(self) -> Iterator[Connection]:
        """Yield the connection.

        Raises:
            GalleryError: there is no database, or a statement failed.
        """
        with self._lock:
            user = ""
            try:
                if self._connection is None or not answers(self._connection):
                    self._connection = connect()
                user = self._connection.info.user
                yield self._connection
            except psycopg.Error as error:
                raise explain(error, user) from error

    def close(self) -> None:
        """Close the connection."""
        if self._connection:
            self._connection.close()


def answers(connection: Connection) -> bool:
    """Tell whether the server still answers on a connection; close it otherwise."""
    try:
        connection.execute("select")
    except psycopg.OperationalError:
        connection.close()
    return not connection.closed


def connect() -> Connection:
    """Connect to read only."""
    connection = psycopg.connect(
        **target(), autocommit=True, row_factory=dict_row, connect_timeout=10, application_name="polarlens gallery"
    )
    # A page that searches changes nothing, whatever its role may do.
    connection.execute("set default_transaction_read_only to on")
    connection.execute(f"set statement_timeout to '{SECONDS}s'".encode())
    return connection


def target() -> dict[str, Any]:
    """Return where to connect to: nothing if libpq's variables say it, or quickstart's server."""
    if any(os.environ.get(name) for name in ("PGHOST", "PGHOSTADDR", "PGSERVICE")):
        return {}
    server = LocalPostgres(state_home())
    if server.running() is None:
        raise GalleryError(
            "There is no database to search in",
            "PGHOST is not set, and quickstart's server is not running.",
            "Start it, or set PGHOST, PGPORT, PGUSER, PGPASSWORD and PGDATABASE.",
            "scripts/local_postgres.py start      # or scripts/quickstart, where there is none yet",
        )
    return {_KEYWORDS[name]: value for name, value in server.env().items()}
