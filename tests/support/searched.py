"""A collection to search, built once by dbt for all tests; those that change something work on a copy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from tests.support.clip import ColourClip
from tests.support.collection import COLOURED, people_fill_in, stage_photos
from tests.support.database import Database, new_database
from tests.support.http_server import ScriptedServer
from tests.support.project import Project


@pytest.fixture(scope="session")
def built(server: dict[str, str], template: str, open_folder: Path) -> Iterator[Project]:
    """Coloured photos with all that is known of them, texts, labels and saved searches, after `dbt run`."""
    clip = ColourClip()
    service = ScriptedServer(clip)
    with new_database(server, template) as database:
        folder = open_folder / f"searched-{database.env['PGDATABASE']}"
        folder.mkdir()
        folder.chmod(0o755)
        made = Project(database, clip, service, folder)
        made.register("text", logit_scale=50)
        made.register("image")
        database.run("select polar_ai.ai_allow(%s)", f"file://{folder}")
        stage_photos(made)
        people_fill_in(made)
        database.dbt("run")
        assert database.value("select count(*) from search_internal.image_embeddings") == len(COLOURED)
        yield made
    service.close()


@pytest.fixture
def project_copy(built: Project, copy_of: Callable[[Database], Database]) -> Project:
    """A copy of the collection, to change."""
    return Project(copy_of(built.database), built.clip, built.service, built.folder)


@pytest.fixture
def copy_of(server: dict[str, str]) -> Iterator[Callable[[Database], Database]]:
    """Copy a database: copy_of(database)."""
    open_ones = []

    def copy(source: Database) -> Database:
        source.connection.close()
        context = new_database(server, source.env["PGDATABASE"])
        try:
            made = context.__enter__()
        finally:
            source.connection = source.connect()
        open_ones.append(context)
        return made

    yield copy
    for context in open_ones:
        context.__exit__(None, None, None)


def uses_index(connection: psycopg.Connection, statement: str) -> bool:
    """Return whether a statement's plan reads the photos' HNSW index."""
    plan = connection.execute(("explain " + statement).encode()).fetchall()
    return any("Index Scan using image_embeddings__hnsw" in line for (line,) in plan)
