"""Two services of one checkout and one `dbt run`: photos by two models, one of which embeds images only, and texts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from scripts.common.paths import state_home
from tests.support.clip_service import Launcher
from tests.support.database import Database, new_database
from tests.support.drawings import DRAWINGS, encoded
from tests.support.reader import connect_reader

# Some dozens of seconds.
pytestmark = pytest.mark.slow

SECOND = "image_embeddings_second"
VARS = {
    "second_image_model": "embedding/second",
    "more_spaces": [{"images": SECOND, "image_model": "embedding/second"}],
}


@pytest.fixture(scope="module")
def urls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The services' addresses by their models; what they build is kept between runs."""
    home, models = tmp_path_factory.mktemp("clip"), state_home() / "models"
    models.mkdir(parents=True, exist_ok=True)
    (home / "models").symlink_to(models)
    launch = Launcher(home, {})
    try:
        first = launch.started("--model", "starter").url
        done = launch("start", "--name", "second", "--model", "efficientnet")
        assert done.returncode == 0, done.stdout + done.stderr
        yield {"starter": first, "efficientnet": launch("url", "--name", "second").stdout.strip()}
    finally:
        launch("stop", "--name", "second")
        launch("stop")


@pytest.fixture(scope="module")
def embedded(
    server: dict[str, str], template: str, open_folder: Path, urls: dict[str, str]
) -> Iterator[tuple[Database, Path]]:
    """A database after `dbt run`, and the folder of its photos: each drawing, and each again as a small JPEG."""
    folder = open_folder / "second_model"
    folder.mkdir()
    folder.chmod(0o755)
    with new_database(server, template) as database:
        database.run("select polar_ai.ai_allow(%s)", f"file://{folder}")
        for name, draw in DRAWINGS.items():
            content = {
                f"{name}.png": encoded(draw(), "PNG"),
                f"{name}_again.jpg": encoded(draw().resize((300, 300)), "JPEG"),
            }
            for file, data in content.items():
                (folder / file).write_bytes(data)
                (folder / file).chmod(0o644)
                database.run("insert into polarlens.image_paths (path) values (%s)", str(folder / file))
        database.run("insert into polarlens.texts (content) values ('a clock on the wall'), ('a letter')")
        for model_id, model, kind, dimension in (
            ("embedding/clip_text", "starter", "text", 384),
            ("embedding/clip_image", "starter", "image", 384),
            ("embedding/second", "efficientnet", "image", 1280),
            ("embedding/second_text", "efficientnet", "text", 1280),
        ):
            config = {"author_type": "token", "token": "", "input": kind, "dimension": dimension}
            database.run(
                "select polar_ai.ai_createmodel(%s, %s, 'clip-as-service', 'embedding', %s, %s)",
                *(model_id, urls[model], model, json.dumps(config)),
            )
        # Some photos are not for everybody.
        database.run("alter table polarlens.image_paths enable row level security")
        database.run("create policy seen on polarlens.image_paths for select using (path not like '%%/balloon%%')")
        database.dbt("run", "--vars", json.dumps(VARS))
        yield database, folder


def test_three_embedding_models_are_built_side_by_side(embedded: tuple[Database, Path]) -> None:
    database, _ = embedded
    for relation, rows, dimension in (
        ("image_embeddings", 2 * len(DRAWINGS), 384),
        (SECOND, 2 * len(DRAWINGS), 1280),
        ("text_embeddings", 2, 384),
    ):
        found = database.rows(
            f"select count(*), min(vector_dims(embedding)), max(l2_norm(embedding)) from search_internal.{relation}"
        )
        assert found == [(rows, dimension, pytest.approx(1, abs=1e-3))]
    assert database.value("select count(*) from polarlens.embedding_errors") == 0


def test_a_photo_finds_its_like_in_the_space_that_is_named(embedded: tuple[Database, Path]) -> None:
    database, folder = embedded
    like = "select path, score from search.search_images_like(%s, k => 1, model => %s)"
    for name in DRAWINGS:
        image = database.value(
            "select image_id from polarlens.image_paths where path = %s", str(folder / f"{name}.png")
        )
        scores = set()
        for model in ("image_embeddings", SECOND):
            ((path, score),) = database.rows(like, image, model)
            assert Path(path).name == f"{name}_again.jpg"
            scores.add(score)
        assert len(scores) == 2, "two spaces"
        fused = database.rows("select path, fused_score from search.search_images_like_fused(%s, k => 2)", image)
        assert Path(fused[0][0]).name == f"{name}_again.jpg"
        assert fused[0][1] == pytest.approx(2 / 61), "first in both"
    by_photo = "select path from search.search_images_by_photo(%s, k => 1, model => %s)"
    for model in ("image_embeddings", SECOND):
        assert Path(database.value(by_photo, str(folder / "clock.png"), model)).stem == "clock"


def test_a_text_searches_the_spaces_that_know_texts_and_no_other(embedded: tuple[Database, Path]) -> None:
    database, _ = embedded
    found = database.rows("select path, fused_score from search.search_images_fused('a picture of a clock', k => 2)")
    assert {Path(path).stem for path, _ in found} == {"clock", "clock_again"}
    assert found[0][1] == pytest.approx(1 / 61), "one space"
    with pytest.raises(
        psycopg.errors.UndefinedObject, match=f"no model {SECOND} to search images with by a text"
    ) as error:
        database.rows("select * from search.search_images('a clock', model => %s)", SECOND)
    assert error.value.diag.message_hint == "Choose one of: image_embeddings; or leave it out."
    with pytest.raises(psycopg.Error, match="the model efficientnet embeds images only"):
        database.rows("select polar_ai.ai_embedding('embedding/second_text', 'a clock')")


def test_a_photo_that_is_hidden_is_hidden_in_the_second_space_too(embedded: tuple[Database, Path]) -> None:
    database, folder = embedded
    clock, balloon = (
        database.value("select image_id from polarlens.image_paths where path = %s", str(folder / f"{name}.png"))
        for name in ("clock", "balloon")
    )
    shown = 2 * len(DRAWINGS) - 2
    for reader in connect_reader(database):
        for relation in ("image_embeddings", SECOND):
            assert reader.execute(f"select count(*) from search_internal.{relation}".encode()).fetchone() == (shown,)
        like = "select path from search.{} order by rank"
        for call in (f"search_images_like({clock}, 20, model => '{SECOND}')", f"search_images_like_fused({clock}, 20)"):
            found = reader.execute(like.format(call).encode()).fetchall()
            assert len(found) == shown - 1
            assert not any("balloon" in path for (path,) in found)
        with pytest.raises(psycopg.errors.NoDataFound, match=f"photo {balloon} has no embedding"):
            reader.execute(f"select * from search.search_images_like_fused({balloon})".encode())
