"""Each error about a photo or a place, as a person reads it: written down in errors.md, and compared with it.

POLARLENS_WRITE_ERRORS=1 writes the file anew, for a change of words that is meant.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from tests.support import oss_server, raw_server, s3_server
from tests.support.database import Database
from tests.support.http_server import Reply, Request, ScriptedServer
from tests.support.locations import create, create_oss, create_s3, picture
from tests.support.oss_server import OssStandIn
from tests.support.raw_server import Behaviour, RawServer
from tests.support.s3_server import S3Server

WRITTEN = Path(__file__).with_name("errors.md")
HEAD = """\
# Errors of photos and places

Written by `tests/udfs/storage/test_error_texts.py` from what PostgreSQL answers; a test fails where they differ.

"""
SECRETS = (s3_server.SECRET_KEY, oss_server.SECRET_KEY, "wrong/Secret", "Bearer t0ken", "Signature=", "Backtrace")

# What a web server may do, by the path that is asked for.
WEB = {
    "/forbidden.jpg": Reply(403, "words of the server"),
    "/none.jpg": Reply(404),
    "/too-many.jpg": Reply(429, headers={"Retry-After": "60"}),
    "/busy.jpg": Reply(503),
    "/broken.jpg": Reply(500),
    "/gone.jpg": Reply(410),
    "/part.jpg": Reply(206, b"half"),
    "/cut.jpg": Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"),
    "/garbled.jpg": Reply(raw=b"nonsense\r\n\r\n"),
    "/round.jpg": Reply(302, headers={"Location": "/round.jpg"}),
    "/elsewhere.jpg": Reply(302, headers={"Location": "http://169.254.169.254/latest/meta-data"}),
    "/to-file.jpg": Reply(302, headers={"Location": "file:///etc/passwd"}),
    "/empty": Reply(),
    "/film": Reply(body=b"\0\0\0\x18ftypisom"),
    "/song": Reply(body=b"ID3\3\0\0\0\0"),
    "/page": Reply(body=b"<!doctype html><html>"),
    "/paper": Reply(body=b"%PDF-1.7"),
    "/noise": Reply(body=b"\x01\x02\x03\x04"),
    "/damaged.jpg": Reply(body=picture("red")[:300]),
    "/large.jpg": Reply(body=bytes(2**20 + 1)),
}
# What a store may answer, by the object that is asked for: status and code.
STORE = {
    "moved": (301, "PermanentRedirect"),
    "late": (403, "RequestTimeTooSkewed"),
    "expired": (400, "ExpiredToken"),
    "denied": (403, "AccessDenied"),
    "busy": (503, "SlowDown"),
    "broken": (500, "InternalError"),
}


def store(request: Request) -> Reply:
    name = request.path.partition("?")[0].rpartition("/")[2]
    status, code = STORE.get(name, (404, "NoSuchKey"))
    return Reply(status, f"<Error><Code>{code}</Code><Message>As the store says it.</Message></Error>")


@pytest.fixture
def cases(
    db: Database,
    s3: S3Server,
    oss: tuple[OssStandIn, str],
    http_server: Callable[..., ScriptedServer],
    raw_server: Callable[[Behaviour], RawServer],
    photos: Path,
) -> Iterator[list[tuple[str, str]]]:
    """Make every place, and return what to ask of it, by heading."""
    (photos / "film.mp4").write_bytes(b"x")
    web = http_server(lambda request: WEB[request.path])
    create(db, "web", web.url)
    create(db, "web-key", web.url, secret="Bearer t0ken")
    create(db, "slow", raw_server_url(raw_server))
    create(db, "off", "http://127.0.0.1:9")
    create(db, "store", "s3://photos", endpoint=http_server(store).url)
    create(db, "off-store", "s3://photos", endpoint="http://127.0.0.1:9")
    create(db, "slow-store", "s3://photos", endpoint=raw_server_url(raw_server))
    create(db, "metadata", "s3://latest", endpoint="http://169.254.169.254")
    create_s3(db, s3, "", name="pics")
    create_s3(db, s3, "", name="s3-secret", secret="wrong/Secret")
    create_s3(db, s3, "", name="s3-key", access_key_id="AKIDUNKNOWN")
    create(
        db,
        "s3-bucket",
        "s3://nobucket",
        endpoint=s3.url,
        access_key_id=s3_server.ACCESS_KEY,
        secret=s3_server.SECRET_KEY,
    )
    create(db, "s3-env", "s3://photos", endpoint=s3.url, access_key_id="AKID", secret="env:NOT_SET")
    create_oss(db, oss[1], name="ali")
    create_oss(db, oss[1], name="ali-secret", secret="wrong/Secret")
    create(db, "azure", "azblob://photos", account="acct", secret="c2VjcmV0")
    create(db, "disk", f"file://{photos}")
    create(db, "no-disk", f"file://{photos}/nowhere")
    endpoint = oss[1].partition("://")[2]
    good = f"oss://{oss_server.ACCESS_KEY}:{oss_server.SECRET_KEY}@{endpoint}/{oss_server.BUCKET}"
    wrong = f"oss://{oss_server.ACCESS_KEY}:wrong/Secret@{endpoint}/{oss_server.BUCKET}"
    db.run("select polar_ai.ai_allow(%s)", oss[1])
    yield [
        ("a location that there is not", load("nowhere:cat.jpg")),
        ("no name in the location", load("pics:")),
        ("a way out of the location", load("pics:a/../b.jpg")),
        ("an empty folder's name in an object's", load("pics:a//b.jpg")),
        ("no such object", load("pics:none.jpg")),
        ("no such bucket", load("s3-bucket:cat.jpg")),
        ("no such bucket, listed", listed("s3-bucket")),
        ("the wrong secret", load("s3-secret:cat.jpg")),
        ("the wrong secret, listed", listed("s3-secret")),
        ("an unknown key", load("s3-key:cat.jpg")),
        ("an unknown key, listed", listed("s3-key")),
        ("a secret that the environment lacks", load("s3-env:cat.jpg")),
        ("a bucket in another region", load("store:moved")),
        ("a wrong clock", load("store:late")),
        ("credentials that ran out", load("store:expired")),
        ("an object that is denied", load("store:denied")),
        ("a store that is overloaded, for longer than four tries", load("store:busy")),
        ("a store that fails, for longer than four tries", load("store:broken")),
        ("a store that is not there", load("off-store:cat.jpg")),
        ("a store that is not there, listed", listed("off-store")),
        ("a store that does not answer", load("slow-store:cat.jpg")),
        ("a cloud's metadata service as a store", load("metadata:iam")),
        ("OSS: the wrong secret", load("ali-secret:cat 1.jpg")),
        ("OSS: no such object", load("ali:none.jpg")),
        ("oss:// with the wrong secret", load(f"{wrong}/2024/cat 1.jpg")),
        ("oss:// without such an object", load(f"{good}/none.jpg")),
        ("oss:// to an endpoint that is not allowed", load("oss://key:wrong/Secret@oss-cn-beijing.aliyuncs.com/b/cat.jpg")),
        ("oss:// without a bucket", load(f"oss://{oss_server.ACCESS_KEY}:{oss_server.SECRET_KEY}@{endpoint}")),
        ("a page that is forbidden", load("web:forbidden.jpg")),
        ("a file that there is not", load("web:none.jpg")),
        ("a file that is gone", load("web:gone.jpg")),
        ("a server that asks to wait for too long", load("web:too-many.jpg")),
        ("a server that is not ready", load("web:busy.jpg")),
        ("a server that fails", load("web:broken.jpg")),
        ("a part where the whole was asked for", load("web:part.jpg")),
        ("an answer that is cut short", load("web:cut.jpg")),
        ("an answer that is no HTTP", load("web:garbled.jpg")),
        ("redirects in a circle", load("web:round.jpg")),
        ("a redirect to an inner address", load("web:elsewhere.jpg")),
        ("a redirect to a file", load("web:to-file.jpg")),
        ("a web server that does not answer", load("slow:cat.jpg")),
        ("a web server that is not there", load("off:cat.jpg")),
        ("a web server, listed", listed("web")),
        ("a URL that is not allowed", load("https://photos.example.com/cat.jpg?token=s3cret")),
        ("a file of the server that is not allowed", load("/etc/passwd")),
        ("a folder that there is not, listed", listed("no-disk")),
        ("a video, by its name", small("web:film.MP4")),
        ("a video, by its content", small("web:film")),
        ("audio, by its name", small("web:song.mp3")),
        ("audio, by its content", small("web:song")),
        ("a web page", small("web:page")),
        ("a PDF", small("web:paper")),
        ("bytes of nothing known", small("web:noise")),
        ("nothing", small("web:empty")),
        ("half a photo", small("web:damaged.jpg")),
        ("a thumbnail of no size", "select polar_ai.ai_thumbnail('web:film', 0)"),
        ("a negative buffer_limit", "select polar_ai.ai_loadfile('web:large.jpg', -1)"),
        ("a URL for a file of the server", "select polar_ai.ai_presignurl('disk:film.mp4')"),
        ("a URL for Azure", "select polar_ai.ai_presignurl('azure:cat.jpg')"),
        ("a URL for a web server with a secret", "select polar_ai.ai_presignurl('web-key:cat.jpg')"),
        ("a URL that is to hold for too long", "select polar_ai.ai_presignurl('pics:cat.jpg', '8 days')"),
    ]  # fmt: skip


def raw_server_url(start: Callable[[Behaviour], RawServer]) -> str:
    return start(raw_server.never_answers).url


def load(path: str) -> str:
    return f"select polar_ai.ai_loadfile('{path}')"


def small(path: str) -> str:
    return f"select polar_ai.ai_thumbnail('{path}')"


def listed(location: str) -> str:
    return f"select polar_ai.ai_listfiles('{location}')"


def told(db: Database, query: str) -> list[str]:
    """Return SQLSTATE, message, detail and hint of a query that has to fail."""
    with pytest.raises(psycopg.Error) as raised:
        db.run(query)
    said = raised.value.diag
    parts = [said.sqlstate, said.message_primary, said.message_detail, said.message_hint]
    for secret in SECRETS:
        assert secret not in f"{parts} {said.context}", parts
    # Ports and folders differ from run to run.
    return [re.sub(r"127\.0\.0\.1:(?!9\b)\d+", "127.0.0.1:8080", part or "") for part in parts]


def test_errors_read_as_they_are_written_down(db: Database, cases: list[tuple[str, str]], photos: Path) -> None:
    lines = ["| what is wrong | SQLSTATE | message | detail and hint |", "|---|---|---|---|"]
    for name, query in cases:
        db.run(f"set polar.ai.http_timeout_msec to {300 if 'does not answer' in name else 20_000}")
        state, message, detail, hint = (part.replace(str(photos), "/photos") for part in told(db, query))
        more = " ".join(part for part in (detail, hint and f"*{hint}*") if part)
        lines.append(f"| {name} | {state} | {message} | {more} |".replace("  ", " "))
    text = HEAD + "\n".join(lines) + "\n"
    if os.environ.get("POLARLENS_WRITE_ERRORS"):
        WRITTEN.write_text(text, encoding="utf-8")
    assert text == WRITTEN.read_text(encoding="utf-8")


def test_what_is_over_the_limit_is_null_to_sql_and_an_error_to_a_model(
    db: Database, http_server: Callable[..., ScriptedServer]
) -> None:
    create(db, "web", http_server(lambda request: Reply(body=bytes(101 * 2**20))).url)
    assert db.value("select polar_ai.ai_loadfile('web:x.jpg') is null")
    assert db.value("select length(polar_ai.ai_loadfile('web:x.jpg', 0))") == 101 * 2**20
    config = json.dumps({"input": "image"})
    query = "select polar_ai.ai_createmodel('m', 'http://127.0.0.1:9/post', 'clip-as-service', 'embedding', 'n', %s)"
    db.run(query, config)
    (error,) = db.rows("select error ->> 'message' from polarlens._embed('m', array['web:x.jpg'])")[0]
    assert error == "web:x.jpg is larger than the limit of 100 MB"
    assert told(db, "select polar_ai.ai_thumbnail('web:x.jpg')")[:2] == ["54000", error]
