"""The registry of locations: what is accepted, who may use it, and where its secrets show."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.support.database import Database, new_role
from tests.support.failure import Failure
from tests.support.locations import create, create_s3
from tests.support.s3_server import SECRET_KEY, S3Server

Fails = Callable[..., Failure]


@pytest.mark.parametrize(
    ("name", "url", "options", "secret", "said"),
    [
        ("P", "s3://b", {"region": "r"}, None, "cannot name a location"),
        ("https", "s3://b", {"region": "r"}, None, "cannot name a location"),
        ("pics", "ftp://b", {}, None, "names no store that is known"),
        ("pics", "s3:///x", {"region": "r"}, None, "names no bucket"),
        ("pics", "s3://AKID:topsecret@b/x", {"region": "r"}, None, "its URL holds credentials"),
        ("pics", "s3://b", {}, None, "needs the option region"),
        ("pics", "s3://b", {"region": "r"}, "topsecret", "needs the option access_key_id"),
        (
            "pics",
            "s3://b",
            {"region": "r", "secret_access_key": "topsecret"},
            None,
            "has no option 'secret_access_key'",
        ),
        ("pics", "s3://b", {"region": 5}, None, "region is not a text"),
        ("pics", "s3://b", {"region": "r", "addressing": "x"}, None, "addressing is path or virtual"),
        ("pics", "s3://b", {"region": "r", "credentials": "secret"}, None, "credentials is secret, but there is none"),
        ("pics", "oss://b", {"endpoint": "gopher://x"}, None, "not an http or https URL"),
        ("pics", "azblob://c", {}, None, "needs the option account"),
        ("pics", "file://relative/x", {}, None, "a file URL is written file:///folder"),
        ("pics", "https://h/a?b=topsecret", {}, None, "has a query or a fragment"),
        ("pics", "s3://b/a/../c", {"region": "r"}, None, "has . or .. in it"),
    ],
)
def test_what_makes_no_sense_is_refused_without_showing_a_secret(
    db: Database, failure: Fails, name: str, url: str, options: dict[str, Any], secret: str | None, said: str
) -> None:
    query = "select polar_ai.ai_createlocation(%s, %s, %s, %s)"
    found = failure(db, query, name, url, json.dumps(options), secret)
    assert found.sqlstate == "22023"
    assert said in found.everything
    assert "topsecret" not in found.everything


def test_a_location_is_created_altered_listed_and_dropped(db: Database, failure: Fails) -> None:
    assert create(db, "pics", "s3://b/one", secret="topsecret", region="eu-west-1", access_key_id="AKID")
    assert not create(db, "pics", "s3://b/two", region="eu-west-1")
    listed = "select name, url, options ->> 'region', secret, usable from polar_ai.ai_listlocations()"
    assert db.rows(listed) == [("pics", "s3://b/one", "eu-west-1", "set", True)]
    assert db.value("select polar_ai.ai_alterlocation('pics', url => 's3://b/three', secret => 'env:NAME_OF_IT')")
    assert db.rows(listed) == [("pics", "s3://b/three", "eu-west-1", "env:NAME_OF_IT", True)]
    assert "secret is env:NAME_OF_IT, but" in failure(db, "select polar_ai.ai_loadfile('pics:x')").message
    assert failure(db, "select polar_ai.ai_alterlocation('pics', options => '{}')").sqlstate == "22023"
    assert not db.value("select polar_ai.ai_alterlocation('none', url => 's3://b')")
    assert db.value("select polar_ai.ai_droplocation('pics')")
    assert not db.value("select polar_ai.ai_droplocation('pics')")
    assert db.value("select count(*) from pg_proc where proname like '\\_permit\\_location\\_%%'") == 0
    assert failure(db, "select polar_ai.ai_testlocation('pics')").sqlstate == "42704"


def test_a_secret_is_read_by_nobody(db: Database) -> None:
    create(db, "pics", "s3://b", secret="topsecret", region="r", access_key_id="AKID")
    everything = db.rows("select l::text from polar_ai.ai_listlocations() as l") + db.rows(
        "select l::text from polar_ai.locations as l"
    )
    assert "topsecret" not in str(everything)
    for role in ("polar_ai_user", "polar_ai_admin"):
        with db.connect() as other:
            other.execute(f"set role {role}".encode())
            for query in (b"table polar_ai.location_secrets", b"select polar_ai._permit('_location pics')"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    other.execute(query)


USES = [
    "select polar_ai.ai_loadfile('pics:g/cat.jpg')",
    "select * from polar_ai.ai_listfiles('pics')",
    "select polar_ai.ai_presignurl('pics:g/cat.jpg')",
    "select polar_ai.ai_thumbnail('pics:g/cat.jpg')",
    "select * from polar_ai.ai_testlocation('pics')",
    "select polar_ai.ai_embedding('m', 'pics:g/cat.jpg')",
]


@pytest.mark.parametrize("query", USES)
def test_a_location_is_used_only_by_whom_it_is_granted_to(
    db: Database, s3: S3Server, failure: Fails, query: str
) -> None:
    s3.put({"g/cat.jpg": b"no picture"})
    create_s3(db, s3, "")
    db.run(
        "select polar_ai.ai_createmodel('m', 'http://127.0.0.1:9/post', 'clip-as-service', 'embedding', 'n', %s)",
        '{"input": "image"}',
    )
    with new_role(db, "in role polar_ai_user") as reader, db.connect() as other:
        other.execute(f"set role {reader}".encode())
        found = failure(other, query)
        assert (found.sqlstate, found.message) == ("42501", "permission denied for location pics")
        db.run("select polar_ai.ai_grantlocation('pics', %s)", reader)
        try:
            other.execute(query.encode())
        except psycopg.Error as error:
            assert error.sqlstate == "22P03"  # loaded, and no picture
        db.run("select polar_ai.ai_revokelocation('pics', %s)", reader)
        assert failure(other, query).sqlstate == "42501"
        # The work behind it asks for the permit, whoever calls it; a permit that was made up is none.
        other.execute(b"select set_config('search_path', 'polar_ai', false)")
        for permits in ("", " pics:", " pics:" + "0" * 64):
            row = other.execute("select error ->> 'sqlstate' from _load_file('pics:g/cat.jpg', 1, %s)", [permits])
            assert row.fetchone() == ("42501",)


def test_only_administrators_change_locations(db: Database) -> None:
    with db.connect() as other:
        other.execute(b"set role polar_ai_user")
        for call in (
            "ai_createlocation('x1', 's3://b')",
            "ai_alterlocation('x1')",
            "ai_droplocation('x1')",
            "ai_grantlocation('x1', 'y')",
            "ai_revokelocation('x1', 'y')",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="permission denied for function"):
                other.execute(f"select polar_ai.{call}".encode())
        other.execute(b"reset role")
        other.execute(b"set role polar_ai_admin")
        other.execute(b"select polar_ai.ai_createlocation('x1', 's3://b', '{\"region\": \"r\"}')")


def test_a_failed_statement_with_a_secret_does_not_go_to_the_log(
    db: Database, failure: Fails, open_folder: Any
) -> None:
    failure(db, "select polar_ai.ai_createlocation('pics', 's3://b', '{}', 'topsecretinlog')")
    failure(db, "select polar_ai.ai_loadfile('nowhere:x')")  # later in the log
    logged = "".join(file.read_text(errors="replace") for file in (open_folder / "postgres").rglob("*.log"))
    assert "topsecretinlog" not in logged
    assert SECRET_KEY not in logged
