"""A search never writes: the same tests on a streaming standby, where nothing can be written."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from scripts.home import state_home
from scripts.postgres import server_user
from scripts.postgres.local import LocalPostgres
from tests.dbt.conftest import Project
from tests.search import test_searches as searches
from tests.search import test_views as views
from tests.support.database import Database


@pytest.fixture(scope="module")
def standby(built: Project, server: dict[str, str], open_folder: Path) -> Iterator[Project]:
    """The collection on a standby of the tests' server."""
    primary = LocalPostgres(open_folder / "postgres", programs=state_home() / "programs")
    replica = LocalPostgres(open_folder / "standby", programs=state_home() / "programs")
    places = primary.places()
    user = server_user.choose(primary.cluster.data, print)
    replica.cluster.folder.mkdir(parents=True)
    for folder in (replica.home, replica.cluster.folder):
        folder.chmod(0o755)
        user.own(folder)
    env = {"PGPASSWORD": server["PGPASSWORD"], "LD_LIBRARY_PATH": str(places["libdir"]), "PATH": "/usr/bin:/bin"}
    command = [str(places["bindir"] / "pg_basebackup"), f"--pgdata={replica.cluster.data}", "--write-recovery-conf"]
    command += ["--checkpoint=fast", f"--host={server['PGHOST']}", f"--port={server['PGPORT']}", "--username=postgres"]
    copied = user.run(command, env, cwd=Path("/"))
    assert copied.returncode == 0, copied.stdout
    for name in ("password", "prepared"):
        shutil.copy(primary.cluster.folder / name, replica.cluster.folder / name)
    try:
        connection = replica.start()
        database = built.database
        standing_by = Database({**connection, "PGDATABASE": database.env["PGDATABASE"]}, None)  # type: ignore[arg-type]
        wait_for(lambda: psycopg_connects(standing_by))
        standing_by.connection = standing_by.connect()
        assert standing_by.value("select pg_is_in_recovery()")
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            standing_by.run("create table written (a integer)")
        # It streams: what the primary writes arrives.
        database.run("create table public.marker (a integer)")
        wait_for(lambda: bool(standing_by.value("select to_regclass('public.marker') is not null")))
        yield Project(standing_by, built.clip, built.service, built.folder)
        standing_by.connection.close()
    finally:
        built.database.run("drop table if exists public.marker")
        replica.destroy()


def psycopg_connects(database: Database) -> bool:
    try:
        database.connect().close()
    except psycopg.OperationalError:
        return False
    return True


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.parametrize(
    "test",
    [
        searches.test_text_to_images_with_rank_score_and_what_is_known,
        searches.test_images_to_images_by_key_leaves_the_photo_itself_out,
        searches.test_images_to_images_by_a_path_never_seen_before,
        searches.test_image_to_texts_and_text_to_texts,
        searches.test_near_duplicates_by_key,
        searches.test_a_filter_is_a_value_and_never_sql,
        searches.test_min_score_cuts_and_does_not_bring_farther_ones,
        searches.test_hybrid_finds_by_words_what_the_vector_ranks_last,
        searches.test_classification_with_labels_of_the_moment_uses_the_logit_scale_and_one_request,
        searches.test_the_meal_calories_summed_for_each_photo,
        searches.test_classify_a_photo_never_seen_before,
        searches.test_searches_join_like_tables,
        searches.test_the_same_vector_from_anywhere_finds_the_same,
        searches.test_every_search_refuses_every_wrong_argument_by_name,
        searches.test_one_search_is_one_request_and_none_when_asked_again,
        searches.test_a_search_leaves_the_settings_of_the_session_alone,
        views.test_opening_every_view_asks_no_model,
        views.test_saved_searches_and_what_they_find,
        views.test_the_labels_and_neighbours_of_every_photo,
    ],
    ids=lambda test: test.__name__,
)
def test_on_a_standby(standby: Project, test: Callable[[Project], None]) -> None:
    test(standby)


@pytest.mark.parametrize(("filters", "expected"), searches.FILTERS)
def test_filters_on_a_standby(standby: Project, filters: str, expected: set[str]) -> None:
    searches.test_filters(standby, filters, expected)


@pytest.mark.parametrize(("call", "sqlstate", "message"), searches.ERRORS, ids=[call for call, _, _ in searches.ERRORS])
def test_errors_on_a_standby(standby: Project, call: str, sqlstate: str, message: str) -> None:
    searches.test_errors_say_what_is_wrong(standby, call, sqlstate, message)
