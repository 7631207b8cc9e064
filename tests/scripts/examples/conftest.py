"""The examples as their readers run them: on the collection of the search tests, with a search reader's rights."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.project import Project


@pytest.fixture(scope="session")
def reader_env(built: Project) -> Iterator[dict[str, str]]:
    """libpq's variables to connect as somebody who may search and nothing else."""
    built.database.run("create role examples_reader login password 'secret' in role polarlens_reader")
    yield {**built.database.env, "PGUSER": "examples_reader", "PGPASSWORD": "secret"}
    built.database.run("drop role examples_reader")
