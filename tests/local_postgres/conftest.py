"""Embedded servers in temporary folders that their unprivileged user can reach."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from scripts.common.paths import CHECKOUT
from scripts.programs.local_postgres.server import LocalPostgres


@pytest.fixture(scope="session")
def programs(open_folder: Path) -> Path:
    """Unpacked once for all servers of this session."""
    folder = open_folder / "programs"
    LocalPostgres(open_folder / "unpacking", programs=folder).places()
    return folder


@pytest.fixture(scope="module")
def server(open_folder: Path, programs: Path) -> Iterator[LocalPostgres]:
    """A server that runs; a test that stops it starts it again."""
    local = LocalPostgres(open_folder / "server", programs=programs)
    local.start()
    yield local
    local.destroy()


@pytest.fixture
def fresh(open_folder: Path, programs: Path, request: pytest.FixtureRequest) -> Iterator[LocalPostgres]:
    """A server that was never started."""
    local = LocalPostgres(open_folder / request.node.name, programs=programs)
    yield local
    local.destroy()


def connect(env: dict[str, str], **changes: str) -> psycopg.Connection[tuple[object, ...]]:
    """Connect as libpq would with those variables."""
    options = {
        "host": env["PGHOST"],
        "port": env["PGPORT"],
        "user": env["PGUSER"],
        "password": env["PGPASSWORD"],
        "dbname": env["PGDATABASE"],
    }
    return psycopg.connect(**(options | changes), autocommit=True, connect_timeout=5)  # type: ignore[arg-type]


def copy_of_checkout(folder: Path) -> Path:
    """Copy what the local server's program needs of the checkout."""
    for part in ("scripts", "alembic", "udfs"):
        shutil.copytree(CHECKOUT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(CHECKOUT / "pyproject.toml", folder)
    return folder


def small_env(**more: str) -> dict[str, str]:
    """A bare environment that still knows where packages are installed from."""
    keep = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    return keep | {"PATH": os.environ["PATH"]} | more
