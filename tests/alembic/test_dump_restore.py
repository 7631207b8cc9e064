"""Backup and restore as the operations' page says: pg_dumpall for the roles, pg_dump for the database."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.alembic.contents import KEPT, SEARCH
from tests.support.database import Database
from tests.support.project import Project
from tests.support.searched import uses_index
from tests.support.site import BLOCKS, Site, connect, refused, start_with_key, terminal_at

# Some dozens of seconds.
pytestmark = pytest.mark.slow

# The page's own commands.
BACK_UP, RESTORE = (block.text for block in BLOCKS if block.language == "sh")


@dataclass
class Restored:
    """What came back, and what had been there."""

    project: Project
    before: dict[str, list[tuple[object, ...]]]
    found: list[tuple[object, ...]]

    @property
    def database(self) -> Database:
        return self.project.database


@pytest.fixture(scope="module")
def restored(site: Site, open_folder: Path) -> Iterator[Restored]:
    """The site, dumped and restored into another database of a fresh cluster, which is all that is left."""
    database = site.database
    before = {name: database.rows(query) for name, query in KEPT.items()}
    found = database.rows(SEARCH)
    assert len(found) == 5 and "blue" in str(found[0][3])
    assert len(before["tokens"]) == 2 and all(str(token).startswith("pgp:") for _, token in before["tokens"])
    backup = open_folder / "backup"
    backup.mkdir()
    site.terminal(backup).run(BACK_UP)

    # In the backup's place: the old server is gone.
    site.postgres.stop()
    postgres, env = start_with_key(open_folder / "restored")
    try:
        terminal_at(postgres, env, backup).run(RESTORE)
        env = {**env, "PGDATABASE": "restored"}
        copy = connect(env)
        yield Restored(Project(copy, site.project.clip, site.project.service, site.project.folder), before, found)
        copy.connection.close()
    finally:
        postgres.destroy()
        site.postgres.start()


@pytest.mark.parametrize("what", KEPT)
def test_everything_is_back(restored: Restored, what: str) -> None:
    assert restored.before[what], "nothing to compare"
    assert restored.database.rows(KEPT[what]) == restored.before[what]


def test_searches_find_the_same_with_the_index(restored: Restored) -> None:
    asked = len(restored.project.service.requests)
    assert restored.database.rows(SEARCH) == restored.found
    # The model was asked anew, by a runtime that was loaded from the dump, with the token that was sealed.
    assert len(restored.project.service.requests) == asked + 1
    with restored.database.connect() as connection:
        connection.execute("set enable_seqscan = off")
        connection.execute("set enable_sort = off")
        table = "search_internal.image_embeddings"
        nearest = f"select image_id from {table} order by embedding <=> '[1,0,0,0.1]'::halfvec limit 3"
        assert uses_index(connection, nearest)


def test_rights_of_single_models_and_locations_are_back(restored: Restored) -> None:
    call = "select polar_ai.ai_embedding('embedding/clip_text', 'red')"
    assert refused(restored.database, "caller", call) is None
    assert refused(restored.database, "outsider", call) == "42501"
    place = "select polar_ai.ai_presignurl('pics:cat.jpg')"
    assert refused(restored.database, "caller", place) is None
    assert refused(restored.database, "outsider", place) == "42501"
    assert refused(restored.database, "reader", "select * from search.search_images('red')") is None
    assert refused(restored.database, "reader", "select * from polar_ai.model_secrets") == "42501"


def test_a_refresh_goes_on_where_the_old_one_was(restored: Restored) -> None:
    asked = restored.project.clip.items
    output = restored.database.dbt("run").stdout
    assert "search_internal.image_embeddings: 0 embedded, 7 unchanged, 0 removed, 1 failed" in output
    assert restored.project.clip.items == asked
    # And it is alive: a new photo comes in.
    restored.project.stage(restored.project.photo("new.png", "green"))
    output = restored.database.dbt("run", "--select", "image_embeddings").stdout
    assert "search_internal.image_embeddings: 1 embedded, 7 unchanged" in output


def test_an_upgrade_finds_nothing_to_do(restored: Restored) -> None:
    installed = "select installed_at from polarlens.installed_code"
    before = restored.database.value(installed)
    restored.database.alembic("upgrade", "head")
    assert restored.database.value(installed) == before
