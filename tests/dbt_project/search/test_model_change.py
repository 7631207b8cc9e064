"""Between a change of model and the end of the next refresh: no vectors of different models are compared."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.support.collection import stage_photos
from tests.support.http_server import Request
from tests.support.project import Project

TEXT, IMAGE = "embedding/clip_text", "embedding/clip_image"
# Every surface by the model whose vectors it compares with the photos or texts.
BY_WORDS = (
    "search_images('red')",
    "search_images('red', filters => '{\"words\": \"snow\"}')",
    "search_images_hybrid('red')",
    "search_images_fused('red')",
    "query_vector('red')",
    "classify_images(array['red', 'blue'])",
    "search_texts('red')",
)
BY_PHOTO = ("search_images_by_photo('{photo}')", "search_texts_by_photo('{photo}')", "photo_vector('{photo}')")
BY_KEPT_VECTORS = ("search_images_like(1)", "search_texts_by_image(1)", "classify_images_by_set('food')")


def found(project: Project, call: str) -> list[tuple[object, ...]]:
    """Call a function of search with a photo that is not in the collection."""
    return project.database.rows(
        f"select * from search.{call.replace('{photo}', project.photo('after a change.png', 'red'))}"
    )


def refused(project: Project, *calls: str) -> Iterator[str]:
    """Give the messages of calls that have to fail."""
    for call in calls:
        with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState) as caught:
            found(project, call)
        yield str(caught.value)


def rename(project: Project, model: str, name: str) -> None:
    """Make a registered model another one, of the same dimension."""
    project.database.run("select polar_ai.ai_altermodel(%s, model_name => %s)", model, name)


def test_a_search_refuses_a_model_that_is_not_the_one_of_its_space(project_copy: Project) -> None:
    for call in (*BY_WORDS, *BY_PHOTO, *BY_KEPT_VECTORS):
        assert found(project_copy, call), call
    rename(project_copy, TEXT, "another")
    for message in refused(project_copy, *BY_WORDS):
        assert "model embedding/clip_text has changed since search_internal." in message
        assert "dbt run embeds everything anew" in message
    for call in (*BY_PHOTO, *BY_KEPT_VECTORS):
        assert found(project_copy, call), call
    rename(project_copy, IMAGE, "another")
    assert len(list(refused(project_copy, *BY_WORDS, *BY_PHOTO))) == len(BY_WORDS) + len(BY_PHOTO)
    # Put back, nothing is amiss.
    rename(project_copy, TEXT, "colours")
    rename(project_copy, IMAGE, "colours")
    for call in (*BY_WORDS, *BY_PHOTO):
        assert found(project_copy, call), call


def test_where_a_model_runs_is_not_what_it_is(project_copy: Project) -> None:
    project_copy.database.run(
        "select polar_ai.ai_altermodel(%s, model_url => %s)", TEXT, project_copy.service.url + "/elsewhere"
    )
    assert found(project_copy, "search_images('red')")


def test_while_the_new_space_is_built_the_old_one_is_not_searched_with_the_new_model(project_copy: Project) -> None:
    states: list[tuple[str, int]] = []
    for model in (TEXT, IMAGE):
        rename(project_copy, model, "another")

    def look(request: Request) -> None:
        if b'"blob"' in request.body:
            with project_copy.database.connect() as other:
                with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
                    other.execute("select * from search.search_images('red')")
                # By the key of a photo, the old space is whole and searched as ever.
                assert other.execute("select * from search.search_images_like(1)").fetchall()
                states.extend(
                    other.execute(
                        """
                        select s.state, (select count(*) from search.saved_search_results)
                        from search.saved_searches as s where s.name = 'Blue things'
                        """
                    ).fetchall()
                )

    labels = "select image_id, label, score from search.photo_labels order by 1, 2"
    labelled = project_copy.database.rows(labels)
    of_texts = ("text_embeddings", "saved_search_embeddings", "label_embeddings", "photo_labels")
    project_copy.database.dbt("run", "--select", *of_texts)
    assert project_copy.database.rows(labels) == labelled
    assert next(refused(project_copy, "search_texts_by_image(1)")).startswith(
        "search_internal.text_embeddings and search_internal.image_"
    )
    assert len(list(refused(project_copy, "classify_images_by_set('food')"))) == 1
    # Texts among themselves are all of the new model already.
    assert found(project_copy, "search_texts('red')")
    project_copy.clip.intercept = look
    project_copy.database.dbt("run")
    project_copy.clip.intercept = lambda _: None
    assert states
    assert set(states) == {("the model changed: waits for dbt run", 0)}
    for call in (*BY_WORDS, *BY_PHOTO, *BY_KEPT_VECTORS):
        assert found(project_copy, call), call
    assert project_copy.database.value("select count(*) from search.saved_search_results") > 0


def test_a_text_model_that_is_registered_after_the_photos_were_embedded_is_taken(project: Project) -> None:
    stage_photos(project)
    project.database.run("select polar_ai.ai_dropmodel(%s)", TEXT)
    project.database.dbt("run", "--select", "+image_embeddings")
    project.register("text")
    assert found(project, "search_images('red')")
