"""Credentials that the machine's own identity gives: asked of a stand-in for a cloud's metadata service."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.support import oss_server, s3_server
from tests.support.database import Database
from tests.support.failure import Failure
from tests.support.http_server import Reply, Request, ScriptedServer
from tests.support.locations import create, picture
from tests.support.oss_server import OssStandIn
from tests.support.s3_server import S3Server

Serves = Callable[..., ScriptedServer]
Fails = Callable[..., Failure]
SESSION_TOKEN = "t0ken/of+the=session"
EXPIRES = (datetime.now(UTC) + timedelta(hours=6)).strftime("%Y-%m-%dT%H:%M:%SZ")


def amazons(request: Request) -> Reply:
    """EC2's metadata service, version 2: a token first, then the role's name, then its keys."""
    if request.method == "PUT" and request.path == "/latest/api/token":
        return Reply(body="metadata-token")
    assert request.headers.get("x-aws-ec2-metadata-token") == "metadata-token"
    if request.path.rstrip("/").endswith("security-credentials"):
        return Reply(body="photos-role")
    keys = {"AccessKeyId": s3_server.ACCESS_KEY, "SecretAccessKey": s3_server.SECRET_KEY, "Token": SESSION_TOKEN}
    return Reply(body=json.dumps({"Code": "Success", "Expiration": EXPIRES, **keys}))


def alibabas(request: Request) -> Reply:
    """ECS's metadata service."""
    if request.method == "PUT":
        return Reply(body="metadata-token")
    if request.path.rstrip("/").endswith("security-credentials"):
        return Reply(body="photos-role")
    keys = {"AccessKeyId": oss_server.ACCESS_KEY, "AccessKeySecret": oss_server.SECRET_KEY}
    return Reply(body=json.dumps({"Code": "Success", "Expiration": EXPIRES, "SecurityToken": SESSION_TOKEN, **keys}))


def googles(request: Request) -> Reply:
    """Compute Engine's metadata service."""
    assert request.headers.get("metadata-flavor") == "Google"
    return Reply(body=json.dumps({"access_token": SESSION_TOKEN, "expires_in": 3600, "token_type": "Bearer"}))


class OnMachine:
    """A session of a database server that believes to run on a cloud's machine."""

    def __init__(self, db: Database, **environment: str) -> None:
        self.connection = db.connect()
        settings = json.dumps(environment)
        self.connection.execute(
            f"do language plpython3u $$ import os, json; os.environ.update(json.loads('{settings}')) $$".encode()
        )

    def value(self, query: str) -> object:
        row = self.connection.execute(query.encode()).fetchone()
        return row and row[0]


Machines = Callable[..., OnMachine]


@pytest.fixture
def on_machine(db: Database) -> Iterator[Machines]:
    """Open a session with variables in its process's environment."""
    opened: list[OnMachine] = []

    def open_one(**environment: str) -> OnMachine:
        opened.append(OnMachine(db, **environment))
        return opened[-1]

    yield open_one
    for one in opened:
        one.connection.close()


def test_amazons_machines_sign_with_their_role(
    db: Database, s3: S3Server, http_server: Serves, on_machine: Machines
) -> None:
    s3.put({"role/cat.jpg": picture("red")})
    metadata = http_server(amazons)
    create(db, "pics", f"s3://{s3_server.BUCKET}/role", endpoint=s3.url, credentials="instance")
    session = on_machine(AWS_EC2_METADATA_SERVICE_ENDPOINT=metadata.url)
    for _ in range(3):
        assert session.value("select polar_ai.ai_loadfile('pics:cat.jpg')") == picture("red")
    assert session.value("select count(*) from polar_ai.ai_listfiles('pics')") == 1
    # The keys are kept until they expire: reading and listing ask once each, and not once an object.
    assert len(metadata.requests) <= 6


def test_alibabas_machines_sign_with_their_role(db: Database, http_server: Serves, on_machine: Machines) -> None:
    store = OssStandIn({"2024/cat.jpg": picture("red")})
    metadata = http_server(alibabas)
    create(db, "pics", f"oss://{oss_server.BUCKET}/2024", endpoint=http_server(store).url, credentials="instance")
    session = on_machine(ALIBABA_CLOUD_ECS_METADATA_SERVICE_ENDPOINT=metadata.url)
    assert session.value("select polar_ai.ai_loadfile('pics:cat.jpg')") == picture("red")
    assert session.value("select count(*) from polar_ai.ai_listfiles('pics')") == 1
    assert set(store.judged) == {None}


def test_googles_machines_show_their_token(db: Database, http_server: Serves, on_machine: Machines) -> None:
    store = http_server(lambda request: Reply(body=picture("red")))
    metadata = http_server(googles)
    create(db, "pics", "gcs://photos", endpoint=store.url, credentials="instance")
    session = on_machine(GCE_METADATA_HOST=metadata.url.partition("://")[2])
    assert session.value("select polar_ai.ai_loadfile('pics:cat.jpg')") == picture("red")
    shown = {name.lower(): value for name, value in store.requests[-1].headers.items()}
    assert shown["authorization"] == f"Bearer {SESSION_TOKEN}"
    assert all(request.path.endswith("devstorage.read_only") for request in metadata.requests)


def test_the_identity_is_used_only_where_a_location_says_so(
    db: Database,
    s3: S3Server,
    http_server: Serves,
    on_machine: Machines,
    failure: Fails,
) -> None:
    s3.put({"role/cat.jpg": picture("red")})
    metadata = http_server(amazons)
    create(db, "pics", f"s3://{s3_server.BUCKET}/role", endpoint=s3.url)
    session = on_machine(
        AWS_EC2_METADATA_SERVICE_ENDPOINT=metadata.url,
        AWS_ACCESS_KEY_ID=s3_server.ACCESS_KEY,
        AWS_SECRET_ACCESS_KEY=s3_server.SECRET_KEY,
    )
    for query in ("select polar_ai.ai_loadfile('pics:cat.jpg')", "select polar_ai.ai_listfiles('pics')"):
        assert failure(session.connection, query).sqlstate == "28000"
    assert metadata.requests == []


def test_a_machine_without_an_identity_is_said_so(
    db: Database,
    s3: S3Server,
    http_server: Serves,
    on_machine: Machines,
    failure: Fails,
) -> None:
    metadata = http_server(lambda request: Reply(404))
    create(db, "pics", f"s3://{s3_server.BUCKET}/role", endpoint=s3.url, credentials="instance")
    session = on_machine(AWS_EC2_METADATA_SERVICE_ENDPOINT=metadata.url)
    for query in ("select polar_ai.ai_loadfile('pics:cat.jpg')", "select polar_ai.ai_listfiles('pics')"):
        assert failure(session.connection, query).sqlstate == "28000"
