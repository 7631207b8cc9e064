"""The connection that searches run in: libpq's variables say where to, or quickstart's server is taken."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.rows import dict_row

from scripts.common.paths import state_home
from scripts.gallery_page.trouble import explained, no_local_server
from scripts.programs.local_postgres.server import LocalPostgres

Connection = psycopg.Connection[dict[str, Any]]
SECONDS = 60
_KEYWORDS = {"PGHOST": "host", "PGPORT": "port", "PGUSER": "user", "PGPASSWORD": "password", "PGDATABASE": "dbname"}


class Database:
    """One connection, opened when it is first needed and again when it was lost; one search at a time uses it."""

    def __init__(self) -> None:
        """Connect to nothing yet."""
        self._lock = threading.Lock()
        self._connection: Connection | None = None

    @contextmanager
    def session(self) -> Iterator[Connection]:
        """Yield the connection.

        Raises:
            Trouble: there is no database, or the database said no.
        """
        with self._lock:
            user = ""
            try:
                self._connection = self._alive() or connect()
                user = self._connection.info.user
                yield self._connection
            except psycopg.Error as error:
                raise explained(error, user) from error

    def close(self) -> None:
        """Hang up."""
        with self._lock:
            if self._connection:
                self._connection.close()

    def _alive(self) -> Connection | None:
        """Return the connection if the server is still at its other end."""
        if self._connection is None or self._connection.closed:
            return None
        try:
            self._connection.execute("select")
        except psycopg.OperationalError:
            self._connection.close()
            return None
        return self._connection


def connect() -> Connection:
    """Connect in order to read, and nothing else."""
    connection = psycopg.connect(
        **target(), autocommit=True, row_factory=dict_row, connect_timeout=10, application_name="polarlens gallery"
    )
    # Whatever the role may do: a page that searches changes nothing.
    connection.execute("set default_transaction_read_only to on")
    connection.execute(f"set statement_timeout to '{SECONDS}s'".encode())
    return connection


def target() -> dict[str, Any]:
    """Return what to tell libpq: nothing where its own variables say it, or where quickstart's server listens."""
    if any(os.environ.get(name) for name in ("PGHOST", "PGHOSTADDR", "PGSERVICE")):
        return {}
    server = LocalPostgres(state_home())
    if server.running() is None:
        raise no_local_server()
    return {_KEYWORDS[name]: value for name, value in server.env().items()}


def is_here(connection: Connection) -> bool:
    """Tell whether the server is on this machine, so that a path means the same file to both."""
    return connection.info.host.startswith("/") or connection.info.hostaddr in ("127.0.0.1", "::1")
