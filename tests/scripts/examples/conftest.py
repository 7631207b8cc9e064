"""The examples as their readers run them: on the collection of the search tests, with a search reader's rights."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.project import Project
from tests.support.reader import reader_of


@pytest.fixture(scope="session")
def reader_env(built: Project) -> Iterator[dict[str, str]]:
    """libpq's variables to connect as somebody who may search and nothing else."""
    with reader_of(built.database) as env:
        yield env
