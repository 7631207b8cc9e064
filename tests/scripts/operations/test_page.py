"""The operations' page: its queries run, say what they promise, and its other blocks are accounted for."""

from __future__ import annotations

import re

import pytest

from scripts.common.paths import CHECKOUT
from tests.support.pages import run_sql
from tests.support.site import BLOCKS, PAGE, Site

QUERIES = [statement for block in BLOCKS if block.language == "sql" for statement in block.statements()]
# What a block begins with that is shown but not run here, and why.
NOT_RUN = {
    "alembic -x polar_ai=native": "tests/udfs/polardb/test_native_extension.py runs both, on a stand-in for PolarDB",
    "scripts/docker/make_secrets": "needs a Docker engine; tests/scripts/docker looks at the files",
    'psql --command "create extension citus"': "tests/dbt_project/citus does all of it, where there is a Citus",
    "git pull": "tests/alembic/test_upgrade.py",
}
ALARMS = ("last_success", "in ('failed', 'died')", "as unfinished")
# Others, of which there may be none here.
OTHERS = ("pg_stat_replication", "pg_stat_activity")


def query(part: str) -> str:
    """Return the page's query that has ``part`` in it."""
    return next(one for one in QUERIES if part in one)


@pytest.mark.parametrize("statement", QUERIES, ids=lambda one: " ".join(one.split())[:60])
def test_every_query_runs(site: Site, statement: str) -> None:
    rows = run_sql(site.database.connection, statement)
    # A healthy site with one photo that cannot be embedded: no alarm, and something to see everywhere else.
    if any(part in statement for part in ALARMS):
        assert not rows
    elif not any(part in statement for part in OTHERS):
        assert rows


def test_the_views_say_how_it_stands(site: Site) -> None:
    rows = run_sql(site.database.connection, query("search.embedding_coverage"))
    assert next(row[:5] for row in rows if "image" in row[0]) == ("search_internal.image_embeddings", 8, 7, 1, 0)
    (row,) = run_sql(site.database.connection, query("as example"))
    assert row[2] == 1 and "missing.png" in row[4]
    sizes = run_sql(site.database.connection, query("percent_from_memory"))
    assert "search_internal.image_embeddings__hnsw" in {row[0] for row in sizes}
    models = run_sql(site.database.connection, query("ai_testmodel"))
    assert {row[0] for row in models} == {"embedding/clip_image", "embedding/clip_text"}


def test_the_alarms_go_off(site: Site) -> None:
    database = site.database
    with database.connect() as connection, connection.transaction(force_rollback=True):
        connection.execute("update polarlens.refresh_runs set finished_at = finished_at - interval '2 days'")
        assert len(run_sql(connection, query("last_success"))) == 4
        connection.execute("update polarlens.refresh_runs set status = 'failed', message = 'told to'")
        assert {row[1] for row in run_sql(connection, query("in ('failed', 'died')"))} == {"failed"}
        connection.execute("update polarlens.refresh_runs set status = 'running', finished_at = null, backend_pid = -1")
        assert {row[1] for row in run_sql(connection, query("in ('failed', 'died')"))} == {"died"}
        connection.execute(
            """
            update pg_index set indisvalid = false
            where indexrelid = 'search_internal.image_embeddings__hnsw'::regclass
            """
        )
        assert run_sql(connection, query("as unfinished")) == [("search_internal.image_embeddings__hnsw",)]


def test_every_block_is_run_or_says_why_not() -> None:
    shown = [block for block in BLOCKS if block.language not in ("sql", "sh")]
    assert {block.language for block in shown} == {"console"}
    for block in shown:
        assert [start for start in NOT_RUN if block.text.startswith(start)], f"nothing runs {block.text}"
    assert len([block for block in BLOCKS if block.language == "sh"]) == 2  # test_dump_restore.py


def test_the_programs_and_links_that_it_names_are_there() -> None:
    text = PAGE.read_text("utf-8")
    for name in re.findall(r"`?((?:scripts|tests)/[\w./]*\w)", text):
        if "docker/photos" not in name:
            assert (CHECKOUT / name).exists(), name
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", text):
        assert (PAGE.parent / target).exists(), target
