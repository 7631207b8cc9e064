"""The PostgreSQL server that the tests run on: an embedded one, or the one that POLARLENS_TEST_DATABASE names.

The variable holds a URI or a connection string of a superuser. The server has to run on this machine, as it reads
the tests' photos and calls their services on loopback. Databases are named after the run and the worker; roles belong
to the whole server, so a test that makes one gives it a name of its own (new_role).
"""

from __future__ import annotations

import contextlib
import functools
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from scripts.common.paths import CHECKOUT, state_home
from scripts.programs.local_postgres.server import LocalPostgres
from tests.support.database import KEYWORDS, PREFIX, Database, connect, drop_database, new_database
from tests.support.system_postgres import Programs, SystemPostgres

NAMED = os.environ.get("POLARLENS_TEST_DATABASE", "")
WHY_SKIPPED = "bound to the embedded server, and POLARLENS_TEST_DATABASE names another one: "
# Folders of tests, none of which uses the server that the variable names.
EMBEDDED_ONLY = {
    "scripts/local_postgres": "tests the program that runs it",
    "end_to_end": "follows pages that begin with starting it",
}
OwnServer = LocalPostgres | SystemPostgres
# Migrations and dbt create these where they are missing. Databases made at the same time must not both find them so.
ROLES = ("polar_ai_admin", "polar_ai_user", "polarlens_reader")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the tests of EMBEDDED_ONLY where a server is named."""
    tests = Path(__file__).parents[1]
    for item in items if NAMED else []:
        for folder, why in EMBEDDED_ONLY.items():
            if item.path.is_relative_to(tests / folder):
                item.add_marker(pytest.mark.skip(reason=WHY_SKIPPED + why))


def own_server(home: Path) -> OwnServer:
    """Return a server that only the caller uses, not started yet: an embedded one, or one like the named one."""
    return SystemPostgres(home, _named_programs()) if NAMED else embedded(home, "")


@functools.cache
def _named_programs() -> Programs:
    return Programs.of(NAMED) or pytest.skip("the programs of the named server are not on this machine")


def embedded(home: Path, why: str) -> LocalPostgres:
    """Return an embedded server, not started yet; skip the test, which says ``why``, where a server is named."""
    if NAMED:
        pytest.skip(WHY_SKIPPED + why)
    return LocalPostgres(home, programs=state_home() / "programs")


@pytest.fixture(scope="session")
def embedded_server(open_folder: Path) -> LocalPostgres:
    """The server of the tests as an embedded one, with its log, its programs and its folders."""
    return embedded(open_folder / "postgres", "looks at the server's log or folders")


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """The tests' PostgreSQL server, as libpq's variables."""
    if NAMED:
        yield from _named_server()
    else:
        postgres: LocalPostgres = request.getfixturevalue("embedded_server")
        yield postgres.start()
        postgres.destroy()


def _named_server() -> Iterator[dict[str, str]]:
    variables = {keyword: variable for variable, keyword in KEYWORDS.items()}
    with psycopg.connect(NAMED, autocommit=True, application_name=PREFIX) as connection:
        given = {variables[name]: str(value) for name, value in conninfo_to_dict(NAMED).items() if name in variables}
        info = connection.info
        env = {"PGHOST": info.host, "PGPORT": str(info.port), "PGUSER": info.user, "PGPASSWORD": info.password}
        with _alone(connection):
            for role in ROLES:
                if not connection.execute("select from pg_roles where rolname = %s", [role]).fetchall():
                    connection.execute(sql.SQL("create role {} nologin").format(sql.Identifier(role)))
            drop_left_overs(connection)
        yield {**given, **env, "PGDATABASE": info.dbname}


@contextlib.contextmanager
def _alone(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """Let no other worker do what touches rows that all databases share: roles, and the databases themselves."""
    connection.execute("select pg_advisory_lock(hashtext('polarlens tests'))")
    try:
        yield
    finally:
        connection.execute("select pg_advisory_unlock_all()")


def drop_left_overs(connection: psycopg.Connection[Any]) -> None:
    """Drop the databases and roles of runs that were killed: a worker that lives has a connection of their prefix.

    The caller's own stay in any case.
    """
    left_over = """
        select o.{name} from {catalog} as o
        where starts_with(o.{name}, 'polarlens_test_') and not starts_with(o.{name}, %s) and not exists (
            select from pg_stat_activity as a
            where a.application_name <> '' and starts_with(o.{name}, a.application_name)
        )
    """
    for (name,) in connection.execute(left_over.format(name="datname", catalog="pg_database").encode(), [PREFIX]):
        drop_database(connection, name)
    for (name,) in connection.execute(left_over.format(name="rolname", catalog="pg_roles").encode(), [PREFIX]):
        connection.execute(sql.SQL("drop role {}").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def template(server: dict[str, str]) -> Iterator[str]:
    """The name of a database with the schema installed, to copy."""
    name = f"{PREFIX}_template"
    with connect(server) as maintenance:
        maintenance.execute(sql.SQL("create database {} template template0").format(sql.Identifier(name)))
        with _alone(maintenance):
            subprocess.run(
                [sys.executable, "-m", "alembic", "upgrade", "head"],
                cwd=CHECKOUT,
                env={**os.environ, **server, "PGDATABASE": name},
                check=True,
            )
        yield name
        drop_database(maintenance, name)


@pytest.fixture
def empty_database(server: dict[str, str]) -> Iterator[Database]:
    """A database with nothing of polarlens in it."""
    with new_database(server, "template0") as database:
        yield database


@pytest.fixture
def database(server: dict[str, str], template: str) -> Iterator[Database]:
    """A fresh database with the schema at head."""
    with new_database(server, template) as database:
        yield database
