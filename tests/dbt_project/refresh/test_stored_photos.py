"""`dbt run` on photos in an object store: listed, embedded, kept up to date."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from tests.support.clip import ColourClip
from tests.support.database import Database
from tests.support.http_server import ScriptedServer
from tests.support.locations import create_s3, picture
from tests.support.s3_server import S3Server

PHOTOS = 5000
STAGED = "select count(*), count(distinct source_version) from polarlens.image_paths"


@pytest.fixture
def clip(database: Database, http_server: Callable[..., ScriptedServer]) -> Iterator[ColourClip]:
    """Both models, registered."""
    service = ColourClip()
    url = http_server(service).url + "/post"
    for kind in ("text", "image"):
        config = json.dumps({"input": kind, "batch_size": 50, "dimension": 4})
        query = "select polar_ai.ai_createmodel(%s, %s, 'clip-as-service', 'embedding', 'colours', %s)"
        database.run(query, f"embedding/clip_{kind}", url, config)
    yield service


def run(database: Database, *locations: object) -> str:
    """Run dbt with these locations."""
    return database.dbt(
        "run", "--vars", json.dumps({"image_locations": list(locations), "thumbnails_per_run": 0})
    ).stdout


def stage(database: Database, **arguments: object) -> str:
    """Stage one listing by hand."""
    return database.dbt("run-operation", "stage_listing", "--args", json.dumps(arguments), check=False).stdout


@pytest.mark.slow
def test_five_thousand_objects_and_then_what_changed(database: Database, s3: S3Server, clip: ColourClip) -> None:
    kinds = [picture(colour) for colour in ("red", "green", "blue")]
    names = [f"fleet/{n % 50:02}/{n:05}.jpg" for n in range(PHOTOS)]
    s3.put({name: kinds[n % 3] for n, name in enumerate(names)} | {"fleet/readme.txt": b"no photo"})
    create_s3(database, s3, "fleet")
    s3.requests()

    output = run(database, "pics")
    assert f"pics:: {PHOTOS} listed, {PHOTOS} added, 0 changed, 0 removed" in output
    assert f"{PHOTOS} embedded, 0 unchanged, 0 removed, 0 failed" in output
    cost = s3.requests()
    assert cost["get"] == PHOTOS
    assert cost["list"] == 6  # pages of a thousand, the text file on the last

    changed, deleted = names[::100], names[1::100]
    s3.put({name: picture("yellow") for name in changed})
    s3.delete(deleted)
    embedded = clip.items
    s3.requests()
    output = run(database, "pics")
    assert "pics:: 4950 listed, 0 added, 50 changed, 50 removed" in output
    assert "50 embedded, 4900 unchanged, 50 removed, 0 failed" in output
    assert clip.items == embedded + 50
    cost = s3.requests()
    assert (cost["get"], cost["list"]) == (50, 5)
    # Exactly, not through the index: 1,600 embeddings are the same here.
    found = database.rows(
        """
        select s.path
        from search_internal.image_embeddings as e
        inner join search_internal.stg_image_paths as s on e.image_id = s.image_id
        where e.embedding <=> (
            select e.embedding
            from search_internal.image_embeddings as e
            inner join search_internal.stg_image_paths as s on e.image_id = s.image_id
            where s.path = 'pics:00/00000.jpg'
        ) < 0.001
        """
    )
    assert {path for (path,) in found} == {"pics:" + name.removeprefix("fleet/") for name in changed}

    output = run(database, "pics")
    assert "0 embedded, 4950 unchanged, 0 removed, 0 failed" in output
    assert "get" not in s3.requests()


def test_other_paths_are_left_alone_and_an_empty_listing_removes_nothing(
    database: Database, s3: S3Server, clip: ColourClip
) -> None:
    s3.put({f"two/{name}": picture("red") for name in ("a/1.jpg", "a/2.png", "b/1.jpg")})
    create_s3(database, s3, "two")
    database.run("insert into polarlens.image_paths (path) values ('/elsewhere/1.jpg'), ('pics:b/gone.jpg')")
    output = stage(database, location="pics", prefix="a/", pattern="[.]jpg$")
    assert "pics:a/: 1 listed, 1 added, 0 changed, 0 removed" in output
    paths = {path for (path,) in database.rows("select path from polarlens.image_paths")}
    assert paths == {"/elsewhere/1.jpg", "pics:b/gone.jpg", "pics:a/1.jpg"}

    s3.delete(["two/a/1.jpg", "two/a/2.png"])
    output = stage(database, location="pics", prefix="a/")
    assert "the listing of pics:a/ is empty" in output
    assert database.value("select count(*) from polarlens.image_paths") == 3
    output = stage(database, location="pics", prefix="a/", allow_empty=True)
    assert "0 listed, 0 added, 0 changed, 1 removed" in output


def test_a_failed_oss_url_is_written_down_without_its_secret(database: Database, clip: ColourClip) -> None:
    database.run("insert into polarlens.image_paths (path) values ('oss://key:topsecret@oss.example.com/b/x.jpg')")
    output = database.dbt("run", "--select", "stg_image_paths", "image_embeddings").stdout
    rows = database.rows("select input, message from polarlens.embedding_errors")
    assert [row[0] for row in rows] == ["oss://oss.example.com/b/x.jpg"]
    assert "topsecret" not in output + str(rows)


def test_a_listing_that_fails_changes_nothing(database: Database, s3: S3Server, clip: ColourClip) -> None:
    create_s3(database, s3, "")
    database.run("insert into polarlens.image_paths (path) values ('pics:kept.jpg')")
    s3.fail(403, 1000)
    output = stage(database, location="pics")
    s3.fail(403, 0)
    assert "listing the location pics: " in output
    assert "listed" not in output
    assert database.value("select count(*) from polarlens.image_paths") == 1
