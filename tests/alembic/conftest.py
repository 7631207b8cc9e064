"""A server of these tests' own: roles belong to a server, and other tests' databases would hold on to them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.common.paths import CHECKOUT
from tests.support.database import Database, new_database
from tests.support.server import own_server


@pytest.fixture(scope="module")
def cluster(open_folder: Path, request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    postgres = own_server(open_folder / f"postgres-{Path(request.node.path).stem}")
    yield postgres.start()
    postgres.destroy()


@pytest.fixture
def empty(cluster: dict[str, str]) -> Iterator[Database]:
    """A database with nothing of polarlens in it, on a server without its roles."""
    with new_database(cluster, "template0") as database:
        yield database
        database.run("drop schema if exists polarlens cascade")
        database.run("drop schema if exists polar_ai cascade")
        for role in ("polar_ai_user", "polar_ai_admin"):
            if database.value("select count(*) from pg_roles where rolname = %s", role):
                database.run(f"drop owned by {role} cascade")
                database.run(f"drop role {role}")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what Alembic needs, to change."""
    for name in ("alembic", "udfs"):
        shutil.copytree(CHECKOUT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(CHECKOUT / "pyproject.toml", tmp_path)
    return tmp_path
