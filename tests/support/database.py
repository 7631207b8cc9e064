"""Databases that live as long as a test."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import pq, sql

from scripts.common.paths import CHECKOUT

# Names the databases of this run and of this worker of it.
RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID", "")[:8] or f"{os.getpid()}"
PREFIX = f"polarlens_test_{RUN}_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
# libpq's variables and what they are called in a connection string.
KEYWORDS = {o.envvar.decode(): o.keyword.decode() for o in pq.Conninfo.get_defaults() if o.envvar}
_numbers = itertools.count(1)


@dataclass
class Database:
    """One database: how to connect to it, and a connection that is open already (autocommit, superuser)."""

    env: dict[str, str]
    connection: psycopg.Connection[Any]

    def connect(self, **options: Any) -> psycopg.Connection[Any]:
        """Open another connection, in autocommit mode; ``options`` as for psycopg.connect."""
        return connect(self.env, **options)

    def rows(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Run a query and return its rows."""
        return self.connection.execute(query.encode(), parameters or None).fetchall()

    def value(self, query: str, *parameters: Any) -> Any:
        """Run a query and return the first column of its first row."""
        return self.rows(query, *parameters)[0][0]

    def run(self, query: str, *parameters: Any) -> None:
        """Run a statement for its effect."""
        self.connection.execute(query.encode(), parameters or None)

    def alembic(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run Alembic on this database, as a user would."""
        return self._program("alembic", *arguments, cwd=CHECKOUT, check=check)

    def dbt(
        self, *arguments: str, cwd: Path = CHECKOUT / "dbt_project", check: bool = True, **env: str
    ) -> subprocess.CompletedProcess[str]:
        """Run dbt on this database, as a user would; its target folder is the database's own."""
        env = {"DBT_TARGET_PATH": str(self.dbt_target), "DBT_LOG_PATH": str(self.dbt_target), **env}
        return self._program("dbt", "--no-use-colors", *arguments, cwd=cwd, check=check, **env)

    @property
    def dbt_target(self) -> Path:
        """Where dbt puts what it made: manifest.json, the documentation, and the like."""
        return dbt_target(self.env)

    def _program(
        self, name: str, *arguments: str, cwd: Path, check: bool, **env: str
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [str(Path(sys.executable).parent / name), *arguments],
            cwd=cwd,
            env={**os.environ, **self.env, **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert not check or done.returncode == 0, done.stdout
        return done


def dbt_target(env: dict[str, str]) -> Path:
    """Return where dbt puts what it makes of this database."""
    return Path(tempfile.gettempdir()) / f"{env['PGDATABASE']}-{env['PGPORT']}-dbt"


def connect(env: dict[str, str], **options: Any) -> psycopg.Connection[Any]:
    """Connect as libpq's variables in ``env`` say, in autocommit mode; ``options`` go before them."""
    arguments = {KEYWORDS[name]: value for name, value in env.items() if name in KEYWORDS}
    return psycopg.connect(**{**arguments, "autocommit": True, **options})


def drop_database(maintenance: psycopg.Connection[Any], name: str) -> None:
    """Drop a database, whoever is in it, and what dbt made of it."""
    maintenance.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))
    shutil.rmtree(dbt_target({"PGDATABASE": name, "PGPORT": str(maintenance.info.port)}), ignore_errors=True)


@contextlib.contextmanager
def new_database(server: dict[str, str], template: str) -> Iterator[Database]:
    """Create a database as a copy of ``template``, and drop it at the end, whoever is still in it."""
    name = f"{PREFIX}_{next(_numbers)}"
    with connect(server) as maintenance:
        _copy(maintenance, template, name)
        env = {**server, "PGDATABASE": name}
        try:
            with connect(env) as connection:
                yield Database(env, connection)
        finally:
            drop_database(maintenance, name)


@contextlib.contextmanager
def new_role(database: Database, options: str = "") -> Iterator[str]:
    """Create a role of a name that nobody else has, with ``create role``'s options; drop it at the end."""
    name = f"{PREFIX}_role_{next(_numbers)}"
    database.run(f"create role {name} {options}")
    try:
        yield name
    finally:
        database.run(f"drop owned by {name} cascade; drop role {name}")


def _copy(maintenance: psycopg.Connection[Any], template: str, name: str) -> None:
    """Create a database as a copy. That wants nobody in the template: a program under test may be, and comes back."""
    for attempts_left in (4, 3, 2, 1, 0):
        maintenance.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = %s", [template]
        )
        try:
            maintenance.execute(
                sql.SQL("create database {} template {}").format(sql.Identifier(name), sql.Identifier(template))
            )
            return
        except psycopg.errors.ObjectInUse:
            if not attempts_left:
                raise
