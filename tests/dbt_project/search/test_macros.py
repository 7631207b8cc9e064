"""The macros that model builders use, in a project of their own that copies ours."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.common.paths import CHECKOUT
from tests.support.project import Project

MODELS = {
    "cats": """
        {{ config(materialized='table') }}
        select * from (
            {{ polarlens.nearest_to(ref('image_embeddings'), "it's a kind of green", key='image_id', k=3,
                join='inner join ' ~ ref('stg_image_paths') ~ ' as p on e.image_id = p.image_id',
                where="p.path !~ 'dark_green'", columns=['p.path']) }}
        ) as found
    """,
    "by_vector": """
        {{ config(materialized='table') }}
        select * from ({{ polarlens.nearest_to(ref('image_embeddings'), vector="'[1,0,0,0.1]'", k=2) }}) as found
    """,
    "each": """
        {{ config(materialized='table') }}
        {{ polarlens.nearest_for_each(ref('label_embeddings'), 'label_id', ref('image_embeddings'), 'image_id', k=2) }}
    """,
    "fused": """
        {{ config(materialized='table') }}
        with by_vector as (select image_id, rank from {{ ref('by_vector') }}),
        cats as (select image_id, rank from {{ ref('cats') }})
        {{ polarlens.fuse(['by_vector', 'cats'], k=4, weights=[2, 1]) }}
    """,
    "dishes": """
        {{ config(materialized='table') }}
        {{ polarlens.classify(ref('image_embeddings'), ref('label_embeddings'), ref('stg_labels'),
            where="l.label_set = 'food'") }}
    """,
    # A second space, as a user adds one: another embedding model, and one line of more_spaces.
    "photos/second_embeddings": """
        {{ config(
            materialized='embedding', key='image_id', input='path', source_version='source_version',
            model='embedding/second_image'
        ) }}
        select image_id, path, source_version from {{ ref('stg_image_paths') }}
    """,
}
SPACES = """{more_spaces: [
    {images: second_embeddings, text_model: embedding/second_text, image_model: embedding/second_image}
]}"""


@pytest.fixture
def ours(project_copy: Project, tmp_path: Path) -> Iterator[Project]:
    """A copy of the collection on which a project with further models and a second space has run."""
    folder = tmp_path / "dbt_project"
    shutil.copytree(CHECKOUT / "dbt_project", folder, ignore=shutil.ignore_patterns("target", "logs"))
    for name, text in MODELS.items():
        (folder / "models" / f"{name}.sql").write_text(text)
    for kind in ("text", "image"):
        project_copy.database.run(
            """
            select polar_ai.ai_createmodel(%s, model_url, 'clip-as-service', 'embedding', 'second', %s)
            from polar_ai.models where model_id = 'embedding/clip_text'
            """,
            *(f"embedding/second_{kind}", f'{{"input": "{kind}"}}'),
        )
    before = len(project_copy.service.requests)
    names = [Path(name).name for name in MODELS]
    project_copy.database.dbt("run", "--vars", SPACES, "--select", *names, cwd=folder)
    texts = [r for r in project_copy.service.requests[before:] if "text" in r.json()["data"][0]]
    assert len(texts) == 1, "nearest_to asks once"
    yield project_copy


def test_the_macros_and_a_second_space(ours: Project) -> None:
    database = ours.database
    found = database.rows("select path, rank, score from search.cats order by rank")
    assert [rank for _, rank, _ in found] == [1, 2, 3]
    assert found[0][0].endswith("/green.png")
    assert not any("dark_green" in path for path, _, _ in found)
    assert database.value("select count(*) from search.by_vector") == 2
    each = database.rows("select of_key, count(*), max(rank) from search.each group by of_key")
    assert [(count, rank) for _, count, rank in each] == [(2, 2)] * 3
    fused = database.rows("select image_id, rank from search.fused order by rank")
    assert fused[0][0] == database.value("select image_id from search.by_vector where rank = 1")
    assert database.value("select count(*) from search.dishes") == 7
    # The second space is chosen by name, and both can be fused.
    for model in ("second_embeddings", "image_embeddings"):
        rows = database.rows("select path from search.search_images('red', k => 2, model => %s)", model)
        assert {Path(path).stem for (path,) in rows} == {"red", "dark_red"}
    both = database.rows("select path, fused_score from search.search_images_fused('red', k => 2)")
    assert {Path(path).stem for path, _ in both} == {"red", "dark_red"}
    one = database.rows("select fused_score from search.search_images_fused('red', 2, models => '{image_embeddings}')")
    assert both[0][1] == pytest.approx(2 * one[0][0], rel=0.05)
