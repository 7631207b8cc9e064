"""An upgrade of a database in use: nothing that people or dbt put there is lost."""

from __future__ import annotations

import psycopg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from scripts.common.paths import CHECKOUT
from tests.alembic.contents import KEPT, SEARCH
from tests.support.database import Database
from tests.support.site import Site, refused

REVISIONS = [
    script.revision
    for script in ScriptDirectory.from_config(Config(toml_file=str(CHECKOUT / "pyproject.toml"))).walk_revisions()
]
# Everything but the hash of the functions, which is what an upgrade is about.
COMPARED = {name: query for name, query in KEPT.items() if name not in ("functions", "version")}


def test_functions_are_replaced_under_a_populated_database(site: Site) -> None:
    """As after `git pull`: another version of the functions is installed, and views stand on some of them."""
    database = site.database
    before = {name: database.rows(query) for name, query in COMPARED.items()}
    functions = {row[0]: row for row in database.rows(KEPT["functions"])}
    found = database.rows(SEARCH)
    with database.connect() as in_use:
        in_use.execute(SEARCH.encode()).fetchall()
        database.run("update polarlens.installed_code set code_hash = 'of an earlier version'")
        database.run("comment on function polar_ai.ai_listmodels() is 'what an earlier version said'")
        database.run("drop function polar_ai.ai_dropmodel(text)")
        database.alembic("upgrade", "head")
        # A session that was open before goes on.
        assert in_use.execute(SEARCH.encode()).fetchall() == found

    assert {name: database.rows(query) for name, query in COMPARED.items()} == before
    assert {row[0]: row for row in database.rows(KEPT["functions"])} == functions
    assert database.rows(SEARCH) == found
    assert refused(database, "outsider", "select polar_ai.ai_embedding('embedding/clip_text', 'red')") == "42501"
    asked = site.project.clip.items
    assert "search_internal.image_embeddings: 0 embedded, 7 unchanged" in database.dbt("run").stdout
    assert site.project.clip.items == asked


@pytest.mark.parametrize("revision", REVISIONS[1:-1])
def test_tables_of_an_earlier_revision_keep_their_rows(empty_database: Database, revision: str) -> None:
    empty_database.alembic("upgrade", revision)
    rows = {
        "polar_ai.models (model_id, model_url, model_name)": "('embedding/old', 'http://127.0.0.1:9/', 'old')",
        "polar_ai.model_secrets (model_id, token)": "('embedding/old', 'sk-old')",
        "polarlens.image_paths (path)": "('/photos/old.jpg')",
        "polarlens.texts (content)": "('old')",
        "polarlens.labels (label_set, label)": "('food', 'old')",
    }
    kept = []
    for target, values in rows.items():
        try:
            empty_database.run(f"insert into {target} values {values}")
        except psycopg.errors.UndefinedTable:
            continue
        kept.append(target.split()[0])
    if "polarlens.image_paths" in kept:
        empty_database.run("create view public.mine as select image_id, path from polarlens.image_paths")
    assert len(kept) >= 2

    empty_database.alembic("upgrade", "head")
    for table in kept:
        assert empty_database.value(f"select count(*) from {table} as t where t::text like '%%old%%'") == 1, table
    if "polarlens.image_paths" in kept:
        assert empty_database.rows("select path from public.mine") == [("/photos/old.jpg",)]
