"""The upgrade from a database with all of dbt's objects in one schema: internals move, nothing is embedded again."""

from __future__ import annotations

import gzip
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scripts.common.paths import CHECKOUT
from tests.support.clip import ColourClip
from tests.support.database import Database
from tests.support.http_server import ScriptedServer

# A database as revision 0009 and its `dbt run` left it, with views of people's own.
DUMP = CHECKOUT / "tests" / "alembic" / "revision_0009.sql.gz"
SEARCHES = (
    "search.search_images('red', k => 3)",
    "search.search_images_by_vector('[1,0,0,0]', 3)",
    "search.search_images_by_vector('[1,0,0,0]', 3, '{\"words\": \"snow\"}')",
    "search.search_images_hybrid('snow', k => 3)",
    "search.search_images_like(1, k => 3)",
    "search.search_texts('red')",
    "search.classify_images(array['red', 'blue'])",
    "search.classify_images_by_set('food')",
    "search.photos",
    "search.photo_labels",
    "search.saved_search_results",
    "search.embedding_coverage",
    "people.on_photos",
    "people.on_staging",
    "people.on_embeddings",
    "people.on_search",
)
OBJECTS = """
    select n.nspname, c.relname, c.oid from pg_class as c join pg_namespace as n on c.relnamespace = n.oid
    where n.nspname ~ '^search' and c.relkind in ('r', 'v', 'i')
    union all
    select n.nspname, p.proname, p.oid from pg_proc as p join pg_namespace as n on p.pronamespace = n.oid
    where n.nspname ~ '^search'
    order by 1, 2
"""
FOR_PEOPLE = {
    *("photos", "saved_searches", "saved_search_results", "photo_labels", "photo_neighbours", "near_duplicates"),
    *("thumbnails", "embedding_coverage", "failed_embeddings", "refresh_status", "query_vector", "photo_vector"),
    *("search_images", "search_images_like", "search_images_by_photo", "search_images_by_vector"),
    *("search_images_hybrid", "search_images_fused", "search_images_like_fused"),
    *("search_texts", "search_texts_by_image", "search_texts_by_photo", "search_texts_by_vector"),
    *("classify_images", "classify_images_by_set", "classify_photo"),
}


def restore(database: Database, dump: Path) -> None:
    """Restore a plain dump, with the roles that it names."""
    for role in ("polar_ai_user", "polar_ai_admin", "polarlens_reader"):
        if not database.value("select exists (select from pg_roles where rolname = %s)", role):
            database.run(f"create role {role} nologin")
    with database.connect() as connection:
        statements: list[str] = []
        lines = iter(gzip.decompress(dump.read_bytes()).decode().splitlines())
        for line in lines:
            if line.startswith("COPY ") and line.endswith(" FROM stdin;"):
                connection.execute("\n".join(statements).encode())
                statements.clear()
                with connection.cursor().copy(line.rstrip(";").encode()) as copy:
                    for row in iter(lambda: next(lines), "\\."):
                        copy.write(row + "\n")
            # psql's own commands, and a setting that servers before 17 do not know.
            elif not line.startswith(("\\restrict", "\\unrestrict", "SET transaction_timeout")):
                statements.append(line)
        connection.execute("\n".join(statements).encode())


@pytest.fixture
def former(empty_database: Database, http_server: Callable[..., ScriptedServer]) -> Database:
    """The dumped database after `alembic upgrade head`, before its first `dbt run`."""
    restore(empty_database, DUMP)
    empty_database.alembic("upgrade", "head")
    empty_database.run(
        "update polar_ai.models set model_url = %s where model_id ~ '^embedding/'",
        http_server(ColourClip()).url + "/post",
    )
    # Left by a run on Citus.
    empty_database.run(
        """
        create function search.set_on_workers(ef_search integer) returns void language plpgsql as
        $$ begin execute format('set local hnsw.ef_search to %%s', ef_search); end $$
        """
    )
    return empty_database


@pytest.fixture
def troubles(former: Database) -> Iterator[Callable[[], Counter[str]]]:
    """Search all the time in other sessions: troubles() ends it and returns the errors and empty answers."""
    found: Counter[str] = Counter()
    answers: Counter[str] = Counter()
    ended = threading.Event()

    def search(searches: tuple[str, ...]) -> None:
        with former.connect() as connection:
            while not ended.is_set():
                for one in searches:
                    try:
                        rows = connection.execute(f"select * from {one}".encode()).fetchall()
                        answers[one] += 1
                        found.update([f"{one}: no row"] if not rows else [])
                    except Exception as error:
                        found[f"{one}: {error}"] += 1

    searching = [threading.Thread(target=search, args=(SEARCHES[first::3],)) for first in range(3)]
    for thread in searching:
        thread.start()

    def end() -> Counter[str]:
        ended.set()
        for thread in searching:
            thread.join()
        assert set(answers) == set(SEARCHES)
        return found

    yield end
    end()


def test_internals_move_while_people_search(former: Database, troubles: Callable[[], Counter[str]]) -> None:
    embeddings = "select image_id, embedding::text, xmin::text from {}.image_embeddings order by 1"
    before = former.rows(embeddings.format("search"))
    runs = former.value("select max(run_id) from polarlens.refresh_runs")
    errors = former.value("select count(*) from polarlens.embedding_errors where relation = 'search.image_embeddings'")
    with former.connect() as refreshing:
        refreshing.execute("select pg_advisory_lock(polarlens._refresh_lock_key('search.text_embeddings'))")
        output = former.dbt("run", check=False).stdout
    assert 'cannot move "search"."text_embeddings"' in output and "a refresh of it is running" in output

    former.dbt("run")

    assert troubles() == {}
    assert former.rows(embeddings.format("search_internal")) == before
    made = former.rows("select relation, embedded from polarlens.refresh_runs where run_id > %s order by 1", runs)
    assert made == [(f"search_internal.{kind}_embeddings", 0) for kind in ("image", "label", "saved_search", "text")]
    recorded = "select relation from polarlens.{} where relation !~ '^search_internal\\.'"
    for table in ("embedding_spaces", "embedding_errors", "refresh_runs"):
        assert former.rows(recorded.format(table)) == []
    assert former.value("select count(*) from polarlens.embedding_errors") == errors == 1
    objects = former.rows(OBJECTS)
    indexes = {name for (name,) in former.rows("select indexname from pg_indexes where schemaname ~ '^search'")}
    assert {name for schema, name, _ in objects if schema == "search"} - indexes == FOR_PEOPLE
    assert "image_embeddings__hnsw" in {name for schema, name, _ in objects if schema == "search_internal"}

    former.dbt("run")
    assert former.rows(OBJECTS) == objects
    assert former.value("select sum(embedded) from polarlens.refresh_runs where run_id > %s", runs) == 0
    assert former.rows("select image_id from people.on_search") == [(1,), (2,), (7,)]
