from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.database import Database
from tests.support.failure import Failure
from tests.support.http_server import Reply, ScriptedServer

Fails = Callable[..., Failure]


def allow(db: Database, entry: str) -> bool:
    return bool(db.value("select polar_ai.ai_allow(%s)", entry))


def load(db: Database, url: str | Path) -> bytes | None:
    return db.value("select polar_ai.ai_loadfile(%s)", str(url))


@pytest.mark.parametrize("form", ["{}", "file://{}", "FILE://localhost{}"])
def test_a_local_file_is_loaded(db: Database, photos: Path, form: str) -> None:
    (photos / "cat.jpg").write_bytes(b"\0\xffcat")
    allow(db, f"file://{photos}")
    assert load(db, form.format(photos / "cat.jpg")) == b"\0\xffcat"


@pytest.mark.parametrize("name", ["你好 世界.jpg", "100%.jpg", "what?#.jpg", "a'b\"c.jpg", "новый\n.jpg"])
def test_file_names_may_have_any_characters(db: Database, photos: Path, name: str) -> None:
    (photos / name).write_bytes(b"cat")
    allow(db, f"file://{photos}")
    assert load(db, photos / name) == b"cat"


def test_a_file_of_the_web_is_loaded(db: Database, http_server: Callable[..., ScriptedServer]) -> None:
    server = http_server(lambda request: Reply(body=b"cat"))
    allow(db, server.url)
    assert load(db, f"{server.url}/cat.jpg") == b"cat"


def test_an_empty_file_is_empty_and_not_null(db: Database, photos: Path) -> None:
    (photos / "empty").touch()
    allow(db, f"file://{photos}")
    assert load(db, photos / "empty") == b""


def test_a_file_over_the_limit_in_megabytes_is_null(db: Database, photos: Path) -> None:
    (photos / "big").write_bytes(bytes(2**20 + 1))
    allow(db, f"file://{photos}")
    query = "select length(polar_ai.ai_loadfile(url => %s, buffer_limit => %s))"
    assert [db.value(query, str(photos / "big"), limit) for limit in (1, 2, 0)] == [None, 2**20 + 1, 2**20 + 1]


def test_a_file_that_no_value_can_hold_is_an_error_even_without_a_limit(
    db: Database, failure: Fails, photos: Path
) -> None:
    with (photos / "sparse").open("wb") as file:
        file.truncate(2**40)
    allow(db, f"file://{photos}")
    for limit in (0, 2_147_483_647):
        assert failure(db, f"select polar_ai.ai_loadfile('{photos}/sparse', {limit})").sqlstate == "54000"
    assert load(db, photos / "sparse") is None


@pytest.mark.parametrize("call", ["ai_loadfile(null)", "ai_loadfile('/x', null)"])
def test_null_gives_null(db: Database, call: str) -> None:
    assert db.value(f"select polar_ai.{call}") is None


def test_faults_are_told_apart(
    db: Database, failure: Fails, photos: Path, http_server: Callable[..., ScriptedServer]
) -> None:
    (photos / "locked.jpg").write_bytes(b"cat")
    (photos / "locked.jpg").chmod(0)
    server = http_server(lambda request: Reply(404))
    allow(db, f"file://{photos}")
    allow(db, server.url)
    allow(db, "http://127.0.0.1:9")
    faults = {
        f"{photos}/missing.jpg": "58P01",
        f"{photos}": "22023",
        f"{photos}/../x": "42501",
        "/etc/passwd": "42501",
        "file://host/x": "22023",
        f"{server.url}/x": "58P01",
        "http://127.0.0.1:9/x": "08001",
        "http://127.0.0.1:10/x": "42501",
        "ftp://example.com/x": "22023",
        "cat.jpg": "22023",
        "": "22023",
    }
    if os.geteuid() == 0:  # or else the server's user is the one who locked it
        faults[f"{photos}/locked.jpg"] = "58030"
    states = {url: failure(db, "select polar_ai.ai_loadfile(%s)", url).sqlstate for url in faults}
    assert states == faults


def test_a_refusal_says_how_to_allow_it(db: Database, failure: Fails) -> None:
    assert "polar_ai.ai_allow('file:///folder')" in str(failure(db, "select polar_ai.ai_loadfile('/etc/passwd')").hint)
    refused = failure(db, "select polar_ai.ai_loadfile('https://me:s3cret@example.com/x?sig=s3cret')")
    assert "polar_ai.ai_allow('https://example.com')" in str(refused.hint)
    assert "s3cret" not in refused.message + str(refused.hint)


def test_a_negative_limit_is_refused(db: Database, failure: Fails) -> None:
    error = failure(db, "select polar_ai.ai_loadfile('/x', -1)")
    assert (error.sqlstate, error.hint) == ("22023", "0 means no limit.")


@pytest.mark.parametrize(
    "entry",
    [
        "file:///var/photos",
        "https://*",
        "http://*:8080",
        "https://*.example.com",
        "https://photos.example.com:8443/2024/",
        "http://[::1]:65535",
    ],
)
def test_an_entry_is_allowed_once_and_can_be_taken_back(db: Database, entry: str) -> None:
    assert [allow(db, f"  {entry} "), allow(db, entry)] == [True, False]
    assert db.rows("select entry from polar_ai.allow_list") == [(entry,)]
    assert [db.value("select polar_ai.ai_disallow(entry => %s)", entry) for _ in "ab"] == [True, False]


@pytest.mark.parametrize(
    "entry",
    [
        None,
        "",
        "/var/photos",
        "file://host/x",
        "ftp://example.com",
        "example.com",
        "https://",
        "https://user:secret@example.com",
        "https://example.com?x",
        "http://[bad",
        "http://example.com:99999",
        "http://example.com:x",
        "http://example.com\\@evil.net",
    ],
)
def test_what_is_no_entry_is_refused_with_examples(db: Database, failure: Fails, entry: str | None) -> None:
    error = failure(db, "select polar_ai.ai_allow(%s)", entry)
    assert error.sqlstate == "22023" and "https://*" in str(error.hint)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("http_timeout_msec", "10s"),
        ("http_timeout_msec", "100001"),
        ("http_timeout_msec", "-1"),
        ("retry_times", "101"),
        ("retry_interval_msec", "x"),
    ],
)
def test_a_setting_out_of_its_range_is_named(db: Database, failure: Fails, setting: str, value: str) -> None:
    db.run(f"set polar.ai.{setting} = '{value}'")
    error = failure(db, "select polar_ai.ai_loadfile('/x')")
    assert error.sqlstate == "22023" and f"polar.ai.{setting} is '{value}'" in error.message


def test_settings_take_effect(db: Database, failure: Fails, http_server: Callable[..., ScriptedServer]) -> None:
    server = http_server(lambda request: Reply(503))
    allow(db, server.url)
    db.run("set polar.ai.retry_times = 2")
    db.run("set polar.ai.retry_interval_msec = 10")
    assert failure(db, f"select polar_ai.ai_loadfile('{server.url}')").sqlstate == "53000"
    assert len(server.requests) == 3


def test_a_plain_user_may_load_and_not_allow(db: Database, failure: Fails, photos: Path) -> None:
    (photos / "cat.jpg").write_bytes(b"cat")
    allow(db, f"file://{photos}")
    db.run("set role polar_ai_user")
    assert load(db, photos / "cat.jpg") == b"cat"
    assert failure(db, "select polar_ai.ai_allow('file:///')").sqlstate == "42501"


def test_an_administrator_needs_no_superuser_to_allow(db: Database) -> None:
    db.run("set role polar_ai_admin")
    assert allow(db, "file:///photos")
