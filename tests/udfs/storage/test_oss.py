"""Alibaba Cloud's OSS, its signatures judged by Alibaba's own SDK; and PolarDB's URLs with a key in them."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable

import pytest

from scripts.programs.local_postgres.server import LocalPostgres
from tests.support.database import Database
from tests.support.failure import Failure
from tests.support.locations import create_oss, picture
from tests.support.oss_server import ACCESS_KEY, BUCKET, SECRET_KEY, OssStandIn
from tests.support.server_log import log_of

Fails = Callable[..., Failure]
Oss = tuple[OssStandIn, str]


def direct(url: str, path: str, key: str = ACCESS_KEY, secret: str = SECRET_KEY, scheme: str = "oss") -> str:
    return f"{scheme}://{key}:{secret}@{url.partition('://')[2]}/{BUCKET}/{path}"


def test_a_location_loads_lists_and_signs(db: Database, oss: Oss) -> None:
    store, url = oss
    store.objects.update({f"2024/many/{n:04}.jpg": b"x" for n in range(250)})
    create_oss(db, url)
    assert db.value("select polar_ai.ai_loadfile('pics:cat 1.jpg')") == picture("red")
    assert db.value("select polar_ai.ai_loadfile('pics:你好.png')") == picture("blue", form="PNG")
    assert db.value("select count(distinct path) from polar_ai.ai_listfiles('pics')") == 252
    with urllib.request.urlopen(db.value("select polar_ai.ai_presignurl('pics:cat 1.jpg', '1 hour')")) as answer:
        assert answer.read() == picture("red")
    assert set(store.judged) == {None}


@pytest.mark.parametrize("scheme", ["oss", "OSS"])
def test_the_articles_url_works_in_both_cases(db: Database, oss: Oss, scheme: str) -> None:
    store, url = oss
    db.run("select polar_ai.ai_allow(%s)", url)
    assert db.value("select polar_ai.ai_loadfile(%s)", direct(url, "2024/cat 1.jpg", scheme=scheme)) == picture("red")
    assert store.judged == [None]


def test_the_articles_url_may_leave_the_endpoint_to_a_setting(db: Database, oss: Oss) -> None:
    _, url = oss
    db.run("select polar_ai.ai_allow(%s)", url)
    db.run(f"set polar.ai.oss_endpoint to '{url}'")
    query = "select polar_ai.ai_loadfile(%s)"
    assert db.value(query, f"OSS://{ACCESS_KEY}:{SECRET_KEY}@/{BUCKET}/2024/cat 1.jpg") == picture("red")


FAULTS = {
    "not allowed": ("{good}", False, "42501", "not on the allow-list"),
    "wrong secret": (
        "oss://{key}:wrongsecret@{host}/photos/2024/cat 1.jpg",
        True,
        "28000",
        "the secret is not that of",
    ),
    "wrong key": ("oss://nokey:{secret}@{host}/photos/2024/cat 1.jpg", True, "28000", "does not know the access key"),
    "no object": ("oss://{key}:{secret}@{host}/photos/2024/dog.jpg", True, "58P01", "there is no such object"),
    "no bucket": ("oss://{key}:{secret}@{host}/fotos/2024/dog.jpg", True, "58P01", "there is no such bucket"),
    "no path": ("oss://{key}:{secret}@{host}", True, "22023", "it is written oss://key:secret@endpoint/bucket/path"),
    "no @": ("oss://{key}:{secret}/photos/cat.jpg", True, "22023", "it is written oss://"),
    "dots": ("oss://{key}:{secret}@{host}/photos/../cat.jpg", True, "22023", "no . or .. in it"),
}


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("call", ["ai_loadfile({})", "ai_thumbnail({}, 64)", "ai_presignurl({})"])
def test_no_error_and_no_log_shows_the_secret(
    db: Database, oss: Oss, failure: Fails, embedded_server: LocalPostgres, name: str, call: str
) -> None:
    url = oss[1]
    form, allowed, sqlstate, said = FAULTS[name]
    host = url.partition("://")[2]
    if allowed:
        db.run("select polar_ai.ai_allow(%s)", url)
    good = direct(url, "2024/cat 1.jpg")
    path = form.format(good=good, key=ACCESS_KEY, secret=SECRET_KEY, host=host)
    if "presign" in call and sqlstate != "22023":
        assert db.value(f"select polar_ai.{call.format(repr(path))}")  # signing asks nobody
        return
    read = log_of(db, embedded_server.log)
    found = failure(db, f"select polar_ai.{call.format(repr(path))}")
    assert (found.sqlstate, said in found.message) == (sqlstate, True), found.message
    assert SECRET_KEY not in found.everything
    assert "wrongsecret" not in found.everything
    logged = read()
    assert said in logged
    assert SECRET_KEY not in logged
    assert "wrongsecret" not in logged


def test_an_embedding_models_errors_mask_the_secret_too(db: Database, oss: Oss) -> None:
    url = oss[1]
    oss[0].objects["film.jpg"] = b"\0\0\0\x18ftypmp42"
    db.run("select polar_ai.ai_allow(%s)", url)
    db.run(
        "select polar_ai.ai_createmodel('m', 'http://127.0.0.1:9/post', 'clip-as-service', 'embedding', 'n', %s)",
        '{"input": "image"}',
    )
    paths = [direct(url, "film.jpg"), direct(url, "none.jpg"), direct(url, "cat.mp4"), direct(url, "x", "nokey")]
    rows = db.rows("select item, error ->> 'message', error::text from polarlens._embed('m', %s)", paths)
    assert len(rows) == 4
    assert "it looks like a video" in rows[0][1]
    assert "there is no such object" in rows[1][1]
    assert rows[2][1].endswith("/cat.mp4 is a video: only pictures can be embedded or shown")
    assert "does not know the access key" in rows[3][1]
    assert not any(SECRET_KEY in text for _, _, text in rows)
