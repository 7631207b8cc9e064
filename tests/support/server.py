"""The PostgreSQL server that the tests run on: an embedded one, or the one that POLARLENS_TEST_DATABASE names.

The variable holds a URI or a connection string of a superuser. The server has to run on this machine, as it reads
the tests' photos and calls their services on loopback. Databases are named after the run and the worker; roles belong
to the whole server, so a test that makes one gives it a name of its own (new_role).
"""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import pq, sql
from psycopg.conninfo import conninfo_to_dict

from scripts.common.paths import CHECKOUT, state_home
from scripts.programs.local_postgres.server import LocalPostgres
from tests.support.database import PREFIX, Database, connect, drop_database, new_database
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
    variables = {option.keyword.decode(): (option.envvar or b"").decode() for option in pq.Conninfo.get_defaults()}
    with psycopg.connect(NAMED, autocommit=True, application_name=PREFIX) as connection:
        given = {variables[name]: str(value) for name, value in conninfo_to_dict(NAMED).items() if variables.get(name)}
        info = connection.info
        env = {"PGHOST": info.host, "PGPORT": str(info.port), "PGUSER": info.user, "PGPASSWORD": info.password}
        with connection.transaction():
            connection.execute("select pg_advisory_xact_lock(hashtext('polarlens tests'))")
            for role in ROLES:
                if not connection.execute("select from pg_roles where rolname = %s", [role]).fetchall():
                    connection.execute(sql.SQL("create role {} nologin").format(sql.Identifier(role)))
        _drop_left_overs(connection)
        yield {**given, **env, "PGDATABASE": info.dbname}


def _drop_left_overs(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Drop the databases of runs that were killed: each worker's connection is called like its databases."""
    for (name,) in connection.execute(
        r"""
        select d.datname from pg_database as d
        where d.datname like 'polarlens\_test\_%' and not exists (
            select from pg_stat_activity as a
            where a.application_name <> '' and starts_with(d.datname, a.application_name)
        )
        """
    ).fetchall():
        drop_database(connection, str(name))


@pytest.fixture(scope="session")
def template(server: dict[str, str]) -> Iterator[str]:
    """The name of a database with the schema installed, to copy."""
    name = f"{PREFIX}_template"
    with connect(server) as maintenance:
        maintenance.execute(sql.SQL("create database {} template template0").format(sql.Identifier(name)))
        # One worker at a time: grants to roles are rows that all databases share.
        maintenance.execute("select pg_advisory_lock(hashtext('polarlens tests'))")
        subprocess.run(
            [sys.executable, "-m", "alembic", "upgrade", "head"],
            cwd=CHECKOUT,
            env={**os.environ, **server, "PGDATABASE": name},
            check=True,
        )
        maintenance.execute("select pg_advisory_unlock_all()")
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
