"""Readers search without being able to call a model, and see what row-level security lets them see."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.support.collection import COLOURED
from tests.support.database import new_role
from tests.support.project import Project
from tests.support.reader import connect_reader

HIDDEN = ("red", "dark_blue")


def test_a_reader_searches_by_every_function(built: Project, reader: psycopg.Connection) -> None:
    path = built.photo("new/reader.png", "blue")
    for call in (
        "search_images('red')",
        "search_images('red', filters => '{\"words\": \"snow\"}')",
        "search_images_like(1)",
        f"search_images_by_photo('{path}')",
        "search_images_by_vector('[1,0,0,0]')",
        "search_images_hybrid('snow')",
        "search_images_fused('red')",
        "search_images_like_fused(1)",
        "search_texts('red')",
        "search_texts_by_image(1)",
        f"search_texts_by_photo('{path}')",
        "search_texts_by_vector('[1,0,0,0]')",
        "classify_images(array['red', 'blue'])",
        "classify_images_by_set('food')",
        f"classify_photo('{path}', array['red', 'blue'])",
    ):
        assert reader.execute(f"select * from search.{call}").fetchall(), call


def test_a_reader_reads_every_view(built: Project, reader: psycopg.Connection) -> None:
    relations = built.database.rows(
        """
        select oid::regclass::text from pg_class
        where relnamespace in ('search'::regnamespace, 'search_internal'::regnamespace) and relkind in ('r', 'v')
        """
    )
    assert len(relations) >= 17
    for (relation,) in relations:
        reader.execute(f"select * from {relation}").fetchall()


def test_a_reader_calls_no_model_function_and_sees_no_registry(reader: psycopg.Connection) -> None:
    for statement in (
        "select polar_ai.ai_embedding('embedding/clip_text', 'red')",
        "select polar_ai.ai_callmodel('embedding/clip_text', 'red'::text)",
        "select polarlens._embed('embedding/clip_text', array['red'])",
        "select polar_ai.ai_loadfile('/etc/passwd')",
        "select * from polar_ai.models",
        "select * from polar_ai.model_secrets",
        "insert into polarlens.saved_searches (name, query) values ('mine', 'x')",
        "update search_internal.image_embeddings set embedding = embedding",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute(statement)


def test_nobody_else_may_search(built: Project) -> None:
    with (
        new_role(built.database, "login password 'secret'") as name,
        built.database.connect(user=name, password="secret") as stranger,
    ):
        for call in ("select * from search.search_images('red')", "select search.query_vector('red')"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                stranger.execute(call)


def test_an_owners_search_path_cannot_be_taken_over(built: Project, reader: psycopg.Connection) -> None:
    """What runs as the owner resolves names in fixed schemas: a reader's own functions are not among them."""
    settings = built.database.rows(
        """
        select p.proname, p.proconfig from pg_proc as p
        where p.pronamespace in ('search'::regnamespace, 'search_internal'::regnamespace) and p.prosecdef
        """
    )
    as_owner = {"query_vector", "photo_vector", "label_vectors", "logit_scale", "spaces_agree"}
    assert {name for name, _ in settings} == as_owner
    assert all(config[0] == "search_path=pg_catalog, polar_ai, public, pg_temp" for _, config in settings)
    reader.execute("create function pg_temp.l2_normalize(vector) returns vector language sql as 'select null::vector'")
    assert reader.execute("select search.query_vector('red')").fetchone() is not None


@pytest.fixture
def secluded(project_copy: Project) -> Iterator[tuple[Project, psycopg.Connection]]:
    """A copy where row-level security hides two photos from a reader."""
    database = project_copy.database
    database.run("alter table polarlens.image_paths enable row level security")
    hidden = " or ".join(f"path like '%%/{name}.png'" for name in HIDDEN)
    database.run(f"create policy seen on polarlens.image_paths for select to polarlens_reader using (not ({hidden}))")
    for reader in connect_reader(database):
        yield project_copy, reader


def test_row_level_security_hides_photos_from_every_search_at_once_and_leaves_k_rows(
    secluded: tuple[Project, psycopg.Connection],
) -> None:
    _, reader = secluded
    visible = set(COLOURED) - set(HIDDEN)
    for call in (
        "search_images('red', k => 5)",
        "search_images('red', k => 5, filters => '{}')",
        "search_images_hybrid('barn sky', k => 5)",
        "search_images_fused('red', k => 5)",
        "search_images_by_vector('[1,0,0,0]', k => 5)",
        "classify_images(array['red'])",
        "classify_images_by_set('food')",
    ):
        rows = reader.execute(f"select path from search.{call}").fetchall()
        assert {Path(path).stem for (path,) in rows} == visible, call
    shown = reader.execute("select path from search.photos").fetchall()
    assert {Path(path).stem for (path,) in shown} == visible
    for call in ("search_images_like(1)", "search_texts_by_image(1)"):
        with pytest.raises(psycopg.Error, match="photo 1 has no embedding"):
            reader.execute(f"select * from search.{call}")


def test_after_the_next_run_what_was_made_of_hidden_photos_is_hidden_too(
    secluded: tuple[Project, psycopg.Connection],
) -> None:
    project, reader = secluded
    project.database.dbt("run", "--select", "image_embeddings+")
    hidden = {key for (key,) in project.database.rows("select image_id from search.photos where path ~ 'red|blue'")}
    hidden -= {key for (key,) in reader.execute("select image_id from search.photos").fetchall()}
    assert len(hidden) == len(HIDDEN)
    for column, relation in (
        ("image_id", "search_internal.image_embeddings"),
        ("image_id", "search.photo_labels"),
        ("image_id", "search.photo_neighbours"),
        ("neighbour_id", "search.photo_neighbours"),
        ("image_id", "search.saved_search_results"),
    ):
        keys = {key for (key,) in reader.execute(f"select {column} from {relation}").fetchall()}
        assert keys, relation
        assert not keys & hidden, relation
    assert len(reader.execute("select * from search.search_images('red', k => 5)").fetchall()) == 5
    # And it is not hidden any more once the sources are not.
    project.database.run("alter table polarlens.image_paths disable row level security")
    project.database.dbt("run", "--select", "image_embeddings")
    count = reader.execute("select count(*) from search_internal.image_embeddings").fetchone()
    assert count == (len(COLOURED),)
