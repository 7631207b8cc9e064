"""Locations on web servers and in folders of the database server, and stores that are slow or broken."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from tests.support import raw_server as raw
from tests.support.database import Database
from tests.support.failure import Failure
from tests.support.http_server import Reply, Request, ScriptedServer
from tests.support.locations import create, picture
from tests.support.raw_server import Behaviour, RawServer
from udfs.runtime import images
from udfs.runtime.errors import PolarAIError
from udfs.runtime.media_types import SOUNDS, VIDEOS

Fails = Callable[..., Failure]
Serves = Callable[..., ScriptedServer]
Raws = Callable[[Behaviour], RawServer]


def test_a_web_location_needs_no_entry_of_the_allow_list_and_sends_its_secret(
    db: Database, http_server: Serves
) -> None:
    server = http_server(lambda request: Reply(body=request.path.encode()))
    create(db, "web", server.url + "/photos", secret="Bearer t0ken")
    assert db.value("select polar_ai.ai_loadfile('web:a b/ü?.jpg')") == b"/photos/a%20b/%C3%BC%3F.jpg"
    assert server.requests[0].headers["Authorization"] == "Bearer t0ken"


def test_a_redirect_to_another_host_is_checked_and_does_not_get_the_secret(
    db: Database, http_server: Serves, failure: Fails
) -> None:
    other = http_server(lambda request: Reply(body=b"there"))
    first = http_server(lambda request: Reply(302, headers={"Location": other.url + "/x.jpg"}))
    create(db, "web", first.url, secret="Bearer t0ken")
    found = failure(db, "select polar_ai.ai_loadfile('web:x.jpg')")
    assert (found.sqlstate, other.requests) == ("42501", [])
    db.run("select polar_ai.ai_allow(%s)", other.url)
    assert db.value("select polar_ai.ai_loadfile('web:x.jpg')") == b"there"
    assert "Authorization" not in other.requests[0].headers


@pytest.mark.parametrize(
    ("status", "sqlstate", "said"),
    [
        (403, "28000", "loading web:x.jpg: HTTP status 403 (not authorised)"),
        (404, "58P01", "loading web:x.jpg: HTTP status 404"),
        (429, "53000", "loading web:x.jpg: HTTP status 429"),
        (503, "53000", "loading web:x.jpg: HTTP status 503"),
        (500, "08P01", "loading web:x.jpg: HTTP status 500"),
    ],
)
def test_a_web_servers_refusals_are_told_apart(
    db: Database, http_server: Serves, failure: Fails, status: int, sqlstate: str, said: str
) -> None:
    server = http_server(lambda request: Reply(status, "secret words of the server"))
    create(db, "web", server.url)
    db.run("set polar.ai.http_timeout_msec to 1000")
    found = failure(db, "select polar_ai.ai_loadfile('web:x.jpg')")
    assert (found.sqlstate, found.message) == (sqlstate, said)
    assert "secret words" not in found.everything


def test_pauses_between_tries_grow(db: Database, http_server: Serves, failure: Fails) -> None:
    tried: list[float] = []

    def busy(request: Request) -> Reply:
        tried.append(time.monotonic())
        return Reply(503)

    create(db, "web", http_server(busy).url)
    assert failure(db, "select polar_ai.ai_loadfile('web:x.jpg')").sqlstate == "53000"
    pauses = [later - earlier for earlier, later in itertools.pairwise(tried)]
    assert len(pauses) == 3
    assert all(pause >= 0.2 * 2**number for number, pause in enumerate(pauses))


def test_a_server_that_is_overloaded_for_a_moment_is_asked_again(db: Database, http_server: Serves) -> None:
    answers = iter([Reply(503), Reply(429, headers={"Retry-After": "0"}), Reply(502), Reply(body=b"cat")])
    server = http_server(lambda request: next(answers))
    create(db, "web", server.url)
    assert db.value("select polar_ai.ai_loadfile('web:x.jpg')") == b"cat"


@pytest.mark.parametrize("behaviour", [raw.never_answers, raw.hangs_in_the_body, raw.trickles_a_sized_body])
@pytest.mark.parametrize("kind", ["web", "s3", "gcs"])
def test_a_slow_store_ends_with_the_time_limit_and_with_a_cancel(
    db: Database, raw_server: Raws, failure: Fails, behaviour: Behaviour, kind: str
) -> None:
    server = raw_server(behaviour)
    if kind == "web":
        create(db, "slow", server.url)
    else:
        create(db, "slow", f"{kind}://photos", endpoint=server.url)
    db.run("set statement_timeout to 700")
    queries = ["select polar_ai.ai_loadfile('slow:x.jpg')"]
    if kind != "web":
        queries.append("select * from polar_ai.ai_listfiles('slow')")
    for query in queries:
        began = time.monotonic()
        assert failure(db, query).sqlstate == "57014"
        assert time.monotonic() - began < 1.7
    db.run("reset statement_timeout")
    if kind != "gcs" and behaviour is raw.hangs_in_the_body:
        db.run("set polar.ai.http_timeout_msec to 300")
        assert failure(db, queries[0]).sqlstate == "08006"


def test_a_store_that_is_not_there_is_said_so(db: Database, failure: Fails) -> None:
    for kind in ("s3", "gcs", "oss"):
        create(db, f"no-{kind}", f"{kind}://photos", endpoint="http://127.0.0.1:9")
        for query in (
            f"select polar_ai.ai_loadfile('no-{kind}:x')",
            f"select * from polar_ai.ai_listfiles('no-{kind}')",
        ):
            found = failure(db, query)
            # Of a reading, opendal does not say whether it got as far as a connection.
            assert found.sqlstate in (("08001", "08006") if kind == "gcs" else ("08001",)), found
            assert "Backtrace" not in found.everything


@pytest.mark.parametrize("endpoint", ["http://169.254.169.254", "http://100.100.100.200", "http://[fd00:ec2::254]"])
@pytest.mark.parametrize("kind", ["s3", "oss", "gcs"])
def test_no_location_reaches_a_clouds_metadata(db: Database, failure: Fails, kind: str, endpoint: str) -> None:
    create(db, "meta", f"{kind}://latest", endpoint=endpoint, **({"addressing": "path"} if kind != "gcs" else {}))
    for query in ("select polar_ai.ai_loadfile('meta:meta-data')", "select * from polar_ai.ai_listfiles('meta')"):
        found = failure(db, query)
        assert (found.sqlstate, "is not a public address" in found.message) == ("42501", True), found


def test_a_folder_is_loaded_and_listed_and_links_out_of_it_are_not(db: Database, photos: Path, failure: Fails) -> None:
    (photos / "in" / "deep").mkdir(parents=True)
    (photos / "in" / "deep" / "你好.jpg").write_bytes(picture("red"))
    (photos / "in" / "a.png").write_bytes(b"x")
    (photos / "in" / "link.jpg").symlink_to("/etc/passwd")
    (photos / "out.jpg").write_bytes(b"x")
    create(db, "disk", f"file://{photos}/in")
    rows = db.rows("select path, size, etag is not null, content_type from polar_ai.ai_listfiles('disk') order by path")
    assert rows == [
        ("disk:a.png", 1, True, "image/png"),
        ("disk:deep/你好.jpg", len(picture("red")), True, "image/jpeg"),
    ]
    assert db.value("select polar_ai.ai_loadfile('disk:deep/你好.jpg')") == picture("red")
    assert failure(db, "select polar_ai.ai_loadfile('disk:link.jpg')").sqlstate == "42501"
    assert failure(db, "select polar_ai.ai_loadfile('disk:../out.jpg')").sqlstate == "22023"
    assert failure(db, "select polar_ai.ai_presignurl('disk:a.png')").sqlstate == "22023"
    assert db.value("select count(*) from polar_ai.ai_listfiles('disk', 'deep/')") == 1


def test_a_listing_that_breaks_off_half_way_gives_no_rows(db: Database, http_server: Serves, failure: Fails) -> None:
    when = "<LastModified>2026-01-02T03:04:05Z</LastModified>"
    row = f"<Contents><Key>a.jpg</Key><ETag>x</ETag><Size>1</Size>{when}</Contents>"
    more = "<IsTruncated>true</IsTruncated><NextContinuationToken>n</NextContinuationToken>"
    page = f"<ListBucketResult>{more}{row}</ListBucketResult>"
    server = http_server(lambda request: Reply(403) if "continuation-token" in request.path else Reply(body=page))
    create(db, "pics", "s3://photos", endpoint=server.url)
    for pattern in ("null", "'jpg$'"):
        found = failure(db, f"select * from polar_ai.ai_listfiles('pics', pattern => {pattern})")
        assert (found.sqlstate, found.message) == ("28000", "listing the location pics: the store denies access")


def test_a_google_bucket_is_loaded_whole_and_to_the_limit(db: Database, http_server: Serves) -> None:
    content = bytes(range(256)) * 8192
    server = http_server(lambda request: Reply(body=content))
    create(db, "pics", "gcs://photos", endpoint=server.url)
    assert db.value("select polar_ai.ai_loadfile('pics:a b/ü.jpg')") == content
    assert db.value("select polar_ai.ai_loadfile('pics:a.jpg', 1)") is None


def test_a_web_server_has_no_listing(db: Database, failure: Fails) -> None:
    create(db, "web", "https://photos.example.com")
    assert "has no listing" in failure(db, "select * from polar_ai.ai_listfiles('web')").message


def test_videos_and_audio_are_said_to_be_ones(db: Database, http_server: Serves, failure: Fails) -> None:
    contents = {
        "/film": b"\0\0\0\x18ftypisom",
        "/matroska": b"\x1aE\xdf\xa3xxxxxxxx",
        "/song": b"ID3\3\0\0\0\0",
        "/mp3": b"\xff\xfb\x90d",
    }
    server = http_server(lambda request: Reply(body=contents.get(request.path, b"")))
    create(db, "web", server.url)
    for name, said in (("film", "video"), ("matroska", "video"), ("song", "audio"), ("mp3", "audio")):
        assert f"it looks like {said}" in failure(db, f"select polar_ai.ai_thumbnail('web:{name}')").message.replace(
            "a video", "video"
        )
    loaded = len(server.requests)
    assert "web:a.MOV is a video" in failure(db, "select polar_ai.ai_thumbnail('web:a.MOV')").message
    assert "web:a.mp3 is audio" in failure(db, "select polar_ai.ai_thumbnail('web:a.mp3')").message
    assert len(server.requests) == loaded


@pytest.mark.parametrize("ending", sorted(VIDEOS | SOUNDS))
def test_each_ending_of_a_video_or_of_audio_is_known(db: Database, failure: Fails, ending: str) -> None:
    said = "a video" if ending in VIDEOS else "audio"
    for path in (f"/photos/a.{ending}", f"https://photos.example.com/a.{ending.upper()}?size=2"):
        found = failure(db, f"select polar_ai.ai_thumbnail('{path}')")
        shown = path.partition("?")[0]
        assert (found.sqlstate, found.message) == (
            "22P03",
            f"{shown} is {said}: only pictures can be embedded or shown",
        )


@pytest.mark.parametrize(
    ("said", "head"),
    [
        *(("a video", b"\0\0\0\x18ftyp" + brand) for brand in (b"isom", b"mp42", b"qt  ", b"M4V ", b"3gp5")),
        ("a video", b"\0\0\0\x08moov"),
        ("a video", b"\x1aE\xdf\xa3\0\0\0\0"),
        ("a video", b"RIFF\0\0\0\0AVI LIST"),
        ("a video", b"\0\0\1\xba\x44\0"),
        ("a video", b"FLV\1\5"),
        ("audio", b"\0\0\0\x18ftypM4A "),
        ("audio", b"ID3\3\0"),
        ("audio", b"\xff\xfb\x90\x64"),
        ("audio", b"OggS\0"),
        ("audio", b"fLaC\0"),
        ("audio", b"RIFF\0\0\0\0WAVEfmt "),
    ],
)
def test_a_video_and_audio_without_a_name_are_known_by_their_first_bytes(said: str, head: bytes) -> None:
    with pytest.raises(PolarAIError, match=f"it looks like {said}: only pictures are read"):
        images.for_model(head + bytes(64), 224, "photo")


def test_connections_are_kept_where_the_store_keeps_them(db: Database, http_server: Serves) -> None:
    ports = set()

    def answer(request: Request) -> Reply:
        ports.add(request.client)
        return Reply(body=b"x")

    create(db, "web", http_server(answer).url)
    for _ in range(20):
        db.value("select polar_ai.ai_loadfile('web:x.jpg')")
    assert len(ports) == 1


def test_azures_urls_are_not_given_out(db: Database, failure: Fails) -> None:
    create(db, "az-pics", "azblob://photos", secret="c2VjcmV0", account="acct")
    found = failure(db, "select polar_ai.ai_presignurl('az-pics:x.jpg')")
    assert (found.sqlstate, "c2VjcmV0" in found.everything) == ("22023", False)


def test_a_session_that_used_the_library_ends_in_peace(db: Database, open_folder: Path) -> None:
    # Its threads outlive each call; a plain Python that ends with them running may abort, and a server would restart.
    create(db, "none", "s3://photos", endpoint="http://127.0.0.1:9")
    for _ in range(3):
        with db.connect() as session, pytest.raises(psycopg.Error):
            session.execute(b"select * from polar_ai.ai_listfiles('none')")
    assert db.value("select 1") == 1
    logged = "".join(file.read_text(errors="replace") for file in (open_folder / "postgres").rglob("*.log"))
    assert "terminated by signal" not in logged
