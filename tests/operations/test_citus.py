"""Citus: the whole of it on a coordinator and two workers. Runs where POLARLENS_CITUS says where Citus is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dbt.conftest import Project
from tests.search import test_searches as searches
from tests.search import test_views as views
from tests.search.collection import COLOURED, people_fill_in, stage_photos
from tests.support.citus import CITUS, WHY_NOT, CitusCluster
from tests.support.clip import ColourClip
from tests.support.http_server import ScriptedServer

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not Path(CITUS, "lib", "citus.so").is_file() or not CITUS, reason=WHY_NOT),
]
ON_CITUS = ("--vars", "{distributed: citus}")


@pytest.fixture(scope="module")
def cluster(open_folder: Path) -> Iterator[CitusCluster]:
    made = CitusCluster(open_folder)
    yield made
    made.destroy()


@pytest.fixture(scope="module")
def distributed(cluster: CitusCluster, open_folder: Path) -> Iterator[Project]:
    """The collection of the search tests, distributed."""
    clip = ColourClip()
    service = ScriptedServer(clip)
    database = cluster.database("distributed")
    database.alembic("upgrade", "head")
    folder = open_folder / "photos-distributed"
    folder.mkdir()
    folder.chmod(0o755)
    made = Project(database, clip, service, folder)
    made.register("text", logit_scale=50)
    made.register("image")
    database.run("select polar_ai.ai_allow(%s)", f"file://{folder}")
    stage_photos(made)
    people_fill_in(made)
    database.dbt("run", *ON_CITUS)
    yield made
    database.connection.close()
    service.close()


def test_photos_are_embedded_into_shards(distributed: Project) -> None:
    assert distributed.database.value("select count(*) from search.image_embeddings") == len(COLOURED)


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
def test_searches(distributed: Project, test) -> None:
    test(distributed)


@pytest.mark.parametrize(("filters", "expected"), searches.FILTERS)
def test_filters(distributed: Project, filters: str, expected: set[str]) -> None:
    searches.test_filters(distributed, filters, expected)


@pytest.mark.parametrize(("call", "sqlstate", "message"), searches.ERRORS, ids=[call for call, _, _ in searches.ERRORS])
def test_errors(distributed: Project, call: str, sqlstate: str, message: str) -> None:
    searches.test_errors_say_what_is_wrong(distributed, call, sqlstate, message)
