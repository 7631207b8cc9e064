"""What every test may use: a PostgreSQL server of the tests' own, fresh databases in it, and a scripted HTTP server.

Nothing here touches a server of the user's: libpq's variables are removed before anything runs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Browser

from scripts.common.paths import CHECKOUT, state_home
from scripts.programs.local_postgres.server import LocalPostgres
from tests.support.browser import running_chromium
from tests.support.database import Database, new_database
from tests.support.http_server import ScriptedServer
from tests.support.raw_server import Behaviour, RawServer

# The modules of tests/support that define fixtures.
pytest_plugins = (
    "tests.support.locations",
    "tests.support.reader",
    "tests.support.searched",
    "tests.support.site",
)

HERE = Path(__file__).parent

for name in [name for name in os.environ if name.startswith("PG")]:
    del os.environ[name]


def pytest_report_header() -> str:
    """Say which interpreter runs, as the embedded server is particular about it."""
    return f"polarlens: {sys.executable}, as user id {os.geteuid()}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the folders whose tests take longest: a long file that begins last is waited for by every worker."""
    first = ("end_to_end", "dbt_project")
    places = {folder: place for place, folder in enumerate(first)}
    items.sort(key=lambda item: places.get(item.path.relative_to(HERE).parts[0], len(first)))


@pytest.fixture(scope="session")
def open_folder() -> Iterator[Path]:
    """A temporary folder that every user may enter: as root, the server runs as another one."""
    folder = Path(tempfile.mkdtemp(prefix="polarlens-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def server(open_folder: Path) -> Iterator[dict[str, str]]:
    """The tests' PostgreSQL server, as libpq's variables."""
    postgres = LocalPostgres(open_folder / "postgres", programs=state_home() / "programs")
    yield postgres.start()
    postgres.destroy()


@pytest.fixture(scope="session")
def template(server: dict[str, str]) -> str:
    """The name of a database with the schema installed, to copy."""
    name = "template_polarlens"
    with psycopg.connect(
        host=server["PGHOST"],
        port=server["PGPORT"],
        user=server["PGUSER"],
        password=server["PGPASSWORD"],
        dbname="postgres",
        autocommit=True,
    ) as connection:
        connection.execute(f"create database {name}")
    subprocess.run(
        [sys.executable, "-m", "alembic", "upgrade", "head"],
        cwd=CHECKOUT,
        env={**os.environ, **server, "PGDATABASE": name},
        check=True,
    )
    return name


@pytest.fixture
def empty_database(server: dict[str, str]) -> Iterator[Database]:
    """A database with nothing of polarlens in it."""
    with new_database(server, "template1") as database:
        yield database


@pytest.fixture
def database(server: dict[str, str], template: str) -> Iterator[Database]:
    """A fresh database with the schema at head."""
    with new_database(server, template) as database:
        yield database


@pytest.fixture
def http_server() -> Iterator[Callable[..., ScriptedServer]]:
    """Start real HTTP servers that answer as a test says: http_server(handler)."""
    started: list[ScriptedServer] = []

    def start(*arguments: object, **named: object) -> ScriptedServer:
        started.append(ScriptedServer(*arguments, **named))  # type: ignore[arg-type]
        return started[-1]

    yield start
    for one in started:
        one.close()


@pytest.fixture
def raw_server() -> Iterator[Callable[[Behaviour], RawServer]]:
    """Start TCP servers that behave as a test says."""
    started: list[RawServer] = []

    def start(behaviour: Behaviour) -> RawServer:
        started.append(RawServer(behaviour))
        return started[-1]

    yield start
    for one in started:
        one.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium, for pages."""
    with running_chromium() as started:
        yield started
