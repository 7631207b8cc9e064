"""The bucket in the host's name, as Amazon and Alibaba want it. Without a database: the names are the tests' own."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest

from tests.support import oss_server, s3_server
from tests.support.http_server import Reply, Request, ScriptedServer
from udfs.runtime.http import AllowList, Limits
from udfs.runtime.interrupts import Operation, run
from udfs.runtime.sources import Location, Reach, load


def s3_fault(request: Request) -> str | None:
    headers = {name.lower(): value for name, value in request.headers.items()}
    return s3_server.signature_fault(request.method, f"http://{headers['host']}{request.path}", headers)


def oss_fault(request: Request) -> str | None:
    parts = urlsplit(request.path)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    return oss_server.signature_fault(request, oss_server.BUCKET, unquote(parts.path).removeprefix("/"), query)


@pytest.mark.parametrize(
    ("kind", "key", "secret", "fault"),
    [
        ("s3", s3_server.ACCESS_KEY, s3_server.SECRET_KEY, s3_fault),
        ("oss", oss_server.ACCESS_KEY, oss_server.SECRET_KEY, oss_fault),
    ],
)
def test_the_bucket_may_be_in_the_hosts_name(
    http_server: Callable[..., ScriptedServer],
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    key: str,
    secret: str,
    fault: Callable[[Request], str | None],
) -> None:
    server = http_server(lambda request: Reply(403, str(fault(request))) if fault(request) else Reply(body=b"cat"))
    port = server.url.rpartition(":")[2]
    real = socket.getaddrinfo

    def resolved(host: Any, *arguments: Any, **named: Any) -> Any:
        return real("127.0.0.1" if str(host).endswith("store.example") else host, *arguments, **named)

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    options = {"endpoint": f"http://store.example:{port}", "addressing": "virtual", "access_key_id": key}
    place = Location("pics", f"{kind}://photos/albums", options, secret)
    reach, operation = Reach(AllowList(), Limits(), {"pics": place}), Operation()
    found = run(lambda: load("pics:a b/ü.jpg", reach, operation, 0), operation, lambda: None)
    assert found == b"cat"
    assert server.requests[0].headers["Host"] == f"photos.store.example:{port}"
