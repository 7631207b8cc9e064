"""Photos in object storage, in the gallery of somebody who has no key to it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from PIL import Image

from scripts.programs.gallery import thumbnails
from scripts.programs.gallery.database import connect
from tests.scripts.gallery.program import Visit, served
from tests.support.clip import ColourClip
from tests.support.database import Database, new_database
from tests.support.http_server import ScriptedServer
from tests.support.locations import create_s3, picture
from tests.support.reader import reader_of
from tests.support.s3_server import S3Server

NAMES = ("blue.jpg", "green.jpg", "red.jpg")


@pytest.fixture(scope="module")
def bucket(server: dict[str, str], template: str, s3: S3Server) -> Iterator[Database]:
    """A collection of three photos in an S3-compatible store, after `dbt run`."""
    service = ScriptedServer(ColourClip())
    with new_database(server, template) as database:
        for kind in ("text", "image"):
            config = json.dumps({"input": kind, "batch_size": 50, "dimension": 4})
            database.run(
                "select polar_ai.ai_createmodel(%s, %s, 'clip-as-service', 'embedding', 'colours', %s)",
                *(f"embedding/clip_{kind}", service.url + "/post", config),
            )
        s3.put({f"gallery/{name}": picture(name.removesuffix(".jpg"), (1200, 800)) for name in NAMES})
        create_s3(database, s3, "gallery")
        database.dbt("run", "--vars", json.dumps({"image_locations": ["pics"]}))
        yield database
    service.close()


def test_a_search_reader_sees_the_small_pictures(
    bucket: Database, s3: S3Server, visit: Callable[..., Visit]
) -> None:  # fmt: skip
    s3.requests()
    with reader_of(bucket) as env, served(**env) as own:
        here = visit(own, "?q=something+green")
        assert here.names()[0] == "pics:green.jpg" and sorted(here.names()) == [f"pics:{name}" for name in NAMES]
        assert here.page.locator("figure img").count() == 3 and here.page.locator(".missing").count() == 0
        # By the photo that was searched with, as well.
        like = visit(own, "?like=1").page
        assert like.locator(".query img").count() == 1 and like.locator(".missing").count() == 0
    assert "get" not in s3.requests(), "the store was asked for nothing"


def test_what_there_is_no_small_picture_of(bucket: Database, visit: Callable[..., Visit]) -> None:
    kept = "select image_id, data_url, error_message, version from search.thumbnails order by 1"
    rows = bucket.rows(kept)
    bucket.run("delete from search.thumbnails where image_id = %s", rows[0][0])
    bucket.run(
        "update search.thumbnails set data_url = null, error_message = 'it is a film' where image_id = %s", rows[1][0]
    )
    try:
        with reader_of(bucket) as env, served(**env) as own:
            page = visit(own, "?q=red").page
            assert set(page.locator(".missing").all_inner_texts()) == {"No thumbnail yet", "it is a film"}
        # Somebody who may load photos has them made.
        with pytest.MonkeyPatch.context() as patch:
            for name, value in bucket.env.items():
                patch.setenv(name, value)
            with connect() as connection:
                paths = {f"pics:{name}": key for name, (key, *_) in zip(NAMES, rows, strict=True)}
                found = thumbnails.load(connection, paths)
        sizes = [one.size if isinstance(one, Image.Image) else one for one in found.values()]
        assert sizes == [(720, 480), (720, 480), (240, 160)]
    finally:
        bucket.run("delete from search.thumbnails")
        for row in rows:
            bucket.run(
                "insert into search.thumbnails (image_id, data_url, error_message, version) values (%s, %s, %s, %s)",
                *row,
            )
