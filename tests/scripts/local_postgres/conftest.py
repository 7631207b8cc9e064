"""Embedded servers in temporary folders that their unprivileged user can reach."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

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
