"""A search never writes: the same tests on a streaming standby, where nothing can be written."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from scripts.programs.local_postgres import server_user
from scripts.programs.local_postgres.server import LocalPostgres
from tests.dbt_project.search import test_searches as searches
from tests.dbt_project.search.portable import SEARCHES
from tests.support.database import Database
from tests.support.project import Project
from tests.support.server import embedded


@pytest.fixture(scope="module")
def standby(
    embedded_server: LocalPostgres, built: Project, server: dict[str, str], open_folder: Path
) -> Iterator[Project]:
    """The collection on a standby of the tests' server."""
    replica = embedded(open_folder / "standby", "copies the primary's files")
    places = embedded_server.places()
    user = server_user.choose(embedded_server.cluster.data, print)
    replica.cluster.folder.mkdir(parents=True)
    for folder in (replica.home, replica.cluster.folder):
        folder.chmod(0o755)
        user.own(folder)
    env = {"PGPASSWORD": server["PGPASSWORD"], "LD_LIBRARY_PATH": str(places["libdir"]), "PATH": "/usr/bin:/bin"}
    command = [str(places["bindir"] / "pg_basebackup"), f"--pgdata={replica.cluster.data}", "--write-recovery-conf"]
    command += ["--checkpoint=fast", f"--host={server['PGHOST']}", f"--port={server['PGPORT']}", "--username=postgres"]
    copied = user.run(command, env, cwd=Path("/"))
    assert copied.returncode == 0, copied.stdout
    for name in ("password", "prepared"):
        shutil.copy(embedded_server.cluster.folder / name, replica.cluster.folder / name)
    try:
        connection = replica.start()
        database = built.database
        standing_by = Database({**connection, "PGDATABASE": database.env["PGDATABASE"]}, None)  # type: ignore[arg-type]
        wait_for(lambda: psycopg_connects(standing_by))
        standing_by.connection = standing_by.connect()
        assert standing_by.value("select pg_is_in_recovery()")
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            standing_by.run("create table written (a integer)")
        # It streams: what the primary writes arrives.
        database.run("create table public.marker (a integer)")
        wait_for(lambda: bool(standing_by.value("select to_regclass('public.marker') is not null")))
        yield Project(standing_by, built.clip, built.service, built.folder)
        standing_by.connection.close()
    finally:
        built.database.run("drop table if exists public.marker")
        replica.destroy()


def psycopg_connects(database: Database) -> bool:
    try:
        database.connect().close()
    except psycopg.OperationalError:
        return False
    return True


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.parametrize(
    "test",
    SEARCHES,
    ids=lambda test: test.__name__,
)
def test_on_a_standby(standby: Project, test: Callable[[Project], None]) -> None:
    test(standby)


@pytest.mark.parametrize(("filters", "expected"), searches.FILTERS)
def test_filters_on_a_standby(standby: Project, filters: str, expected: set[str]) -> None:
    searches.test_filters(standby, filters, expected)


@pytest.mark.parametrize(("call", "sqlstate", "message"), searches.ERRORS, ids=[call for call, _, _ in searches.ERRORS])
def test_errors_on_a_standby(standby: Project, call: str, sqlstate: str, message: str) -> None:
    searches.test_errors_say_what_is_wrong(standby, call, sqlstate, message)
