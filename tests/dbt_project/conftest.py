"""A database with a registered model service and photos of one colour each, ready for `dbt run`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.clip import ColourClip
from tests.support.database import Database, new_database
from tests.support.http_server import ScriptedServer
from tests.support.project import Project, new_project


@pytest.fixture
def project(database: Database, http_server: Callable[..., ScriptedServer], open_folder: Path) -> Project:
    """A project with both models registered and no photos yet."""
    clip = ColourClip()
    return new_project(database, clip, http_server(clip), open_folder)


@pytest.fixture(scope="module")
def shared_project(server: dict[str, str], template: str, open_folder: Path) -> Iterator[Project]:
    """The same, once for all tests of a module."""
    clip = ColourClip()
    service = ScriptedServer(clip)
    with new_database(server, template) as database:
        yield new_project(database, clip, service, open_folder)
    service.close()
