"""Locations in an S3-compatible server that verifies signatures."""

from __future__ import annotations

import io
import time
import urllib.error
import urllib.request
from collections.abc import Callable

import pytest
from PIL import Image

from tests.support.database import Database
from tests.support.failure import Failure
from tests.support.locations import create_s3, picture
from tests.support.s3_server import S3Server

Fails = Callable[..., Failure]
NAMES = ["cat.jpg", "a b/c+d/100%.jpg", "2024/你好 ü.jpg", "q?x#y&z=1.jpg", "it's (1) [2] {3}~!*.jpg"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("prefix", ["", "albums/ä b/"])
def test_an_object_is_loaded_whatever_its_name(db: Database, s3: S3Server, name: str, prefix: str) -> None:
    s3.put({prefix + name: b"bytes of " + name.encode()})
    create_s3(db, s3, prefix)
    assert db.value("select polar_ai.ai_loadfile(%s)", f"pics:{name}") == b"bytes of " + name.encode()


def test_a_listing_names_what_can_be_loaded(db: Database, s3: S3Server) -> None:
    s3.put({f"listed/{name}": name.encode() for name in NAMES} | {"unlisted.jpg": b"x"})
    create_s3(db, s3, "listed")
    rows = db.rows(
        "select path, size, etag, content_type, last_modified is not null from polar_ai.ai_listfiles('pics')"
    )
    assert {row[0] for row in rows} == {f"pics:{name}" for name in NAMES}
    assert all(size == len(path.removeprefix("pics:").encode()) and len(etag) == 32 for path, size, etag, *_ in rows)
    assert {row[3:] for row in rows} == {("image/jpeg", True)}
    loaded = db.rows("select path, polar_ai.ai_loadfile(path) from polar_ai.ai_listfiles('pics')")
    assert all(content == path.removeprefix("pics:").encode() for path, content in loaded)


def test_a_listing_is_narrowed_by_prefix_and_pattern(db: Database, s3: S3Server) -> None:
    s3.put({f"narrow/{name}": b"x" for name in ("2023/a.jpg", "2024/a.JPG", "2024/b.txt", "2024x.jpg")})
    create_s3(db, s3, "narrow/")
    listed = "select array_agg(path order by path) from polar_ai.ai_listfiles('pics', %s, %s)"
    assert db.value(listed, "2024/", r"\.jpe?g$") == ["pics:2024/a.JPG"]
    assert db.value(listed, "2024", None) == ["pics:2024/a.JPG", "pics:2024/b.txt", "pics:2024x.jpg"]
    assert db.value(listed, "2025", None) is None


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"secret": "wrongSecretValue"}, "the secret is not that of the access key id"),
        ({"access_key_id": "AKIDUNKNOWN"}, "the store does not know the access key id"),
    ],
)
def test_wrong_keys_are_told_apart_and_shown_nowhere(
    db: Database, s3: S3Server, failure: Fails, options: dict[str, str], said: str
) -> None:
    create_s3(db, s3, "", **options)
    for query in ("select polar_ai.ai_loadfile('pics:cat.jpg')", "select * from polar_ai.ai_listfiles('pics')"):
        found = failure(db, query)
        assert found.sqlstate == "28000"
        assert said in found.message
        assert "pics" in found.message
        for secret in ("wrongSecretValue", "s3cr3t", "X-Amz", "Signature=", "Backtrace", "Parts {"):
            assert secret not in found.everything
    ok, error = db.rows("select ok, error from polar_ai.ai_testlocation('pics')")[0]
    assert (ok, said in error) == (False, True)


def test_faults_of_a_store_are_told_apart(db: Database, s3: S3Server, failure: Fails) -> None:
    create_s3(db, s3, "")
    missing = failure(db, "select polar_ai.ai_loadfile('pics:no/such.jpg')")
    assert (missing.sqlstate, missing.message) == (
        "58P01",
        "loading pics:no/such.jpg: HTTP status 404 (there is no such object)",
    )
    db.run("select polar_ai.ai_alterlocation('pics', url => 's3://nobucket/')")
    for query in ("select polar_ai.ai_loadfile('pics:cat.jpg')", "select * from polar_ai.ai_listfiles('pics')"):
        found = failure(db, query)
        assert found.sqlstate == "58P01"
        assert "there is no such bucket" in found.message
    assert failure(db, "select polar_ai.ai_loadfile('nowhere:cat.jpg')").message == (
        "cannot load nowhere:cat.jpg: there is no location nowhere"
    )
    for path in ("pics:../x.jpg", "pics:a/../x.jpg", "pics:./x", "pics:", "pics:a//b"):
        assert failure(db, f"select polar_ai.ai_loadfile('{path}')").sqlstate == "22023"


def test_a_store_that_asks_to_slow_down_is_asked_again(db: Database, s3: S3Server, failure: Fails) -> None:
    s3.put({"slow.jpg": b"slow"})
    create_s3(db, s3, "")
    for status in (503, 500):
        s3.fail(status, 2)
        assert db.value("select polar_ai.ai_loadfile('pics:slow.jpg')") == b"slow"
    s3.fail(503, 1)
    assert db.value("select count(*) from polar_ai.ai_listfiles('pics', 'slow.jpg')") == 1
    s3.fail(503, 100)
    found = failure(db, "select polar_ai.ai_loadfile('pics:slow.jpg')")
    s3.fail(503, 0)
    assert (found.sqlstate, "the store asks to slow down" in found.message) == ("53000", True)


def test_the_size_limit_counts_megabytes(db: Database, s3: S3Server) -> None:
    s3.put({"big": bytes(2**20 + 1)})
    create_s3(db, s3, "")
    query = "select length(polar_ai.ai_loadfile('pics:big', %s))"
    assert [db.value(query, limit) for limit in (1, 2, 0)] == [None, 2**20 + 1, 2**20 + 1]


def test_connections_are_kept_across_calls(db: Database, s3: S3Server) -> None:
    s3.put({"kept.jpg": b"x"})
    create_s3(db, s3, "")
    db.value("select polar_ai.ai_loadfile('pics:kept.jpg')")
    s3.requests()
    for _ in range(20):
        db.value("select polar_ai.ai_loadfile('pics:kept.jpg')")
    counted = s3.requests()
    assert counted["get"] == 20
    assert counted.get("connections", 0) <= 1  # the side door's own


def test_a_signed_url_shows_one_object_for_its_time(db: Database, s3: S3Server) -> None:
    s3.put({"signed/cat 1.jpg": b"cat", "signed/dog.jpg": b"dog"})
    create_s3(db, s3, "signed")
    url = db.value("select polar_ai.ai_presignurl('pics:cat 1.jpg', '2 seconds')")
    with urllib.request.urlopen(url) as answer:
        assert answer.read() == b"cat"
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(url.replace("cat%201", "dog"))
    time.sleep(3)
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(url)


@pytest.mark.parametrize("interval", ["0", "-1 hour", "8 days"])
def test_a_signed_url_has_a_time_that_stores_accept(db: Database, s3: S3Server, failure: Fails, interval: str) -> None:
    create_s3(db, s3, "")
    assert failure(db, f"select polar_ai.ai_presignurl('pics:x.jpg', '{interval}')").sqlstate == "22023"


def test_a_thumbnail_is_a_small_upright_jpeg(db: Database, s3: S3Server) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    out = io.BytesIO()
    Image.new("RGB", (400, 200), "red").save(out, "JPEG", exif=exif)
    s3.put({"side.jpg": out.getvalue(), "film.mp4": b"x"})
    create_s3(db, s3, "")
    small = Image.open(io.BytesIO(db.value("select polar_ai.ai_thumbnail('pics:side.jpg', 100)")))
    assert (small.format, small.size) == ("JPEG", (50, 100))


def test_a_location_is_tried_with_a_listing_and_a_reading(db: Database, s3: S3Server) -> None:
    s3.put({"tried/one.jpg": picture("red")})
    create_s3(db, s3, "tried")
    assert db.rows("select ok, path, error from polar_ai.ai_testlocation('pics')") == [(True, "pics:one.jpg", None)]
    create_s3(db, s3, "empty", name="nothing")
    assert db.rows("select ok, path, error from polar_ai.ai_testlocation('nothing')") == [(True, None, None)]
