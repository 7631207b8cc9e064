"""Reaching what the allow-list does not name: metadata services, loopback, and whatever a redirect points to."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator

import pytest

from tests.security.house import House
from tests.support.http_server import Reply, Request, ScriptedServer
from udfs.runtime import http
from udfs.runtime.errors import PolarAIError
from udfs.runtime.interrupts import Operation

Allow = Callable[[str], None]
LOAD = "select polar_ai.ai_loadfile(%s)"

METADATA = {
    "AWS, Azure, Google": "http://169.254.169.254/latest/meta-data/",
    "AWS over IPv6": "http://[fd00:ec2::254]/latest/meta-data/",
    "Google over IPv6": "http://[fd20:ce::254]/computeMetadata/v1/",
    "Alibaba Cloud": "http://100.100.100.200/latest/meta-data/",
    "Oracle": "http://192.0.0.192/opc/v1/",
    "Azure's wire server": "http://168.63.129.16/machine/",
    "decimal": "http://2852039166/",
    "octal": "http://0251.0376.0251.0376/",
    "hexadecimal": "http://0xa9.0xfe.0xa9.0xfe/",
    "hexadecimal in one": "http://0xa9fea9fe/",
    "with parts left out": "http://169.254.43518/",
    "mapped to IPv6": "http://[::ffff:169.254.169.254]/",
    "mapped, in hexadecimal": "http://[::ffff:a9fe:a9fe]/",
    "translated": "http://[::ffff:0:a9fe:a9fe]/",
    "compatible": "http://[::a9fe:a9fe]/",
    "NAT64": "http://[64:ff9b::a9fe:a9fe]/",
    "private NAT64": "http://[64:ff9b:1::a9fe:a9fe]/",
    "6to4": "http://[2002:a9fe:a9fe::1]/",
    "Teredo": "http://[2001:0:0:0:0:0:5601:5601]/",
    "link-local over IPv6": "http://[fe80::a9fe:a9fe]/",
    "with a zone": "http://[fe80::1%25lo]/",
    "in full-width digits": "http://１６９.２５４.１６９.２５４/",
    "with ideographic dots": "http://169。254。169。254/",
    "with a user before it": "http://example.com@169.254.169.254/",
    "with a dot at its end": "http://169.254.169.254./",
}
LOOPBACK = {
    "loopback": "http://127.0.0.1:{port}/",
    "loopback by name": "http://localhost:{port}/",
    "loopback over IPv6": "http://[::1]:{port}/",
    "another loopback": "http://127.8.8.8:{port}/",
    "short": "http://127.1:{port}/",
    "decimal": "http://2130706433:{port}/",
    "octal": "http://017700000001:{port}/",
    "zero": "http://0:{port}/",
    "unspecified": "http://0.0.0.0:{port}/",
    "unspecified over IPv6": "http://[::]:{port}/",
    "mapped": "http://[::ffff:127.0.0.1]:{port}/",
    "in circled digits": "http://①②⑦.⓪.⓪.①:{port}/",
    "with a user before it": "http://example.com:80@127.0.0.1:{port}/",
    "a private network": "http://10.0.0.1:{port}/",
    "a carrier's network": "http://100.64.0.1:{port}/",
    "broadcast": "http://255.255.255.255:{port}/",
    "multicast": "http://224.0.0.1:{port}/",
}
# Refused; or no URL at all; or no name of any host.
REFUSALS = ("42501", "22023", "08001")


@pytest.fixture
def inner(http_server: Callable[..., ScriptedServer]) -> Iterator[ScriptedServer]:
    """A service of the inner network, which no attack may reach."""
    server = http_server(lambda request: Reply(body=b"inner"))
    yield server
    assert not server.requests


@pytest.mark.parametrize("role", ["caller", "admin"])
@pytest.mark.parametrize("url", METADATA.values(), ids=METADATA)
def test_a_metadata_service_is_not_reached(house: House, allowed: Allow, role: str, url: str) -> None:
    allowed("http://*")
    assert house.attack(role, LOAD, parameters=(url,)).sqlstate in REFUSALS


@pytest.mark.parametrize("url", METADATA.values(), ids=METADATA)
def test_a_metadata_service_cannot_be_a_model(house: House, url: str) -> None:
    create = "select polar_ai.ai_createmodel('metadata', %s, 'openai', model_type => 'text-generation')"
    made = house.attack("admin", create, parameters=(url,))
    seen = house.attack("caller", "select polar_ai.ai_callmodel_raw('metadata', 'x')")
    house.db.run("select polar_ai.ai_dropmodel('metadata')")
    assert made.sqlstate == "22023" or seen.sqlstate in REFUSALS, seen.text


@pytest.mark.parametrize("url", LOOPBACK.values(), ids=LOOPBACK)
def test_an_inner_address_is_not_reached_under_a_wildcard(
    house: House, allowed: Allow, inner: ScriptedServer, url: str
) -> None:
    allowed("http://*")
    seen = house.attack("caller", LOAD, parameters=(url.format(port=inner.url.rpartition(":")[2]),))
    assert seen.sqlstate in ("42501", "22023")


OTHER_SCHEMES = ["ftp://127.0.0.1/", "gopher://127.0.0.1:70/_x", "dict://127.0.0.1/", "ldap://127.0.0.1", "unix:///x"]
OTHER_SCHEMES += [
    "jar:http://127.0.0.1!/",
    "javascript:1",
    "netdoc:///etc/passwd",
    "HTTP://127.0.0.1",
]


@pytest.mark.parametrize("url", OTHER_SCHEMES)
def test_no_other_scheme_is_spoken(house: House, allowed: Allow, url: str) -> None:
    allowed("https://*")
    # 58P01: to us, what stands before the colon is the name of a location, and there is none.
    assert house.attack("caller", LOAD, parameters=(url,)).sqlstate in ("42501", "22023", "58P01")


# name: (Location, the refusal). {inner} is a service that the list does not name, {open} the one that redirects.
REDIRECTS = {
    "loopback": ("{inner}", "42501"),
    "metadata": ("http://169.254.169.254/latest/", "42501"),
    "a file": ("file:///etc/passwd", "22023"),
    "a path without a host": ("file:/etc/passwd", "22023"),
    "another scheme": ("gopher://127.0.0.1/", "22023"),
    "without a scheme": ("//169.254.169.254/", "42501"),
    "out of the allowed path": ("/private", "42501"),
    "out of the allowed path by dots": ("/open/../private", "42501"),
    "by encoded dots": ("/open/%2e%2e/private", "42501"),
    "itself": ("{open}", "08P01"),
    "a URL with a password": ("http://me:s3cret-of-the-redirect@127.0.0.1:9/", "42501"),
    "no URL": ("http://[bad", "08P01"),
    "a backslash": ("http://127.0.0.1:9\\@example.com/", "42501"),
    "a line break": ("http://127.0.0.1:9/%0d%0aX: y", "42501"),
}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(("location", "refusal"), REDIRECTS.values(), ids=REDIRECTS)
def test_a_redirect_leads_nowhere_else(
    house: House, allowed: Allow, http_server: Callable[..., ScriptedServer], inner: ScriptedServer,
    location: str, refusal: str, status: int,
) -> None:  # fmt: skip
    def answer(request: Request) -> Reply:
        assert request.path.startswith("/open")
        return Reply(status, headers={"Location": location.format(inner=inner.url, open=f"{server.url}/open")})

    server = http_server(answer)
    allowed(f"{server.url}/open")
    seen = house.attack("caller", LOAD, parameters=(f"{server.url}/open",))
    assert seen.sqlstate in (refusal, "22023"), seen.text
    assert "s3cret-of-the-redirect" not in seen.text
    assert len(server.requests) <= 6


def test_a_model_that_redirects_is_not_followed(
    house: House, http_server: Callable[..., ScriptedServer], inner: ScriptedServer
) -> None:
    server = http_server(lambda request: Reply(307, headers={"Location": inner.url}))
    house.db.run("select polar_ai.ai_createmodel('redirecting', %s, 'clip-as-service')", server.url)
    seen = house.attack("caller", "select polar_ai.ai_callmodel('redirecting', 'x'::text)")
    house.db.run("select polar_ai.ai_dropmodel('redirecting')")
    assert seen.sqlstate == "08P01"


@pytest.mark.parametrize("then", ["127.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1", "10.0.0.1"])
def test_a_name_that_changes_its_answer_is_judged_by_the_one_connected_to(
    monkeypatch: pytest.MonkeyPatch, inner: ScriptedServer, then: str
) -> None:
    answers = iter(["93.184.215.14", then, then, then])
    asked, connected = [], []

    def resolve(host: str, port: int, *rest: object, **named: object) -> list[object]:
        if host.replace(".", "").isdigit():  # what is connected to, as a number
            connected.append(host)
            raise OSError("not in a test")
        asked.append(host)
        address = next(answers)
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        return [(family, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    for _ in range(2):
        with pytest.raises(PolarAIError) as error:
            request = http.Request("http://rebinding.example/", http.AllowList(("http://*",)), "loading")
            http.get(request, http.Limits(timeout=2), Operation())
    assert error.value.sqlstate == "42501"
    assert set(connected) <= {"93.184.215.14"}


@pytest.fixture
def echo(http_server: Callable[..., ScriptedServer]) -> ScriptedServer:
    return http_server(lambda request: Reply(body={"data": [{"embedding": [1, 2]}]}))


HEADERS = {
    "a line break in a value": {"X": "a\r\nX-Injected: 1"},
    "a bare line feed": {"X": "a\nX-Injected: 1"},
    "a line feed at the end": {"X": "a\n"},
    "a carriage return": {"X": "a\rX-Injected: 1"},
    "a folded line": {"X": "a\r\n X-Injected: 1"},
    "a NUL": {"X": "a\u0001b\u2028X-Injected: 1"},
    "a line break in a name": {"X\r\nX-Injected": "1"},
    "a colon in a name": {"X-Injected: 1\r\nX": "1"},
    "no name": {"": "1"},
    "a space in a name": {"Content-Length ": "0"},
    "a length of one's own": {"Content-Length": "0"},
    "chunks": {"Transfer-Encoding": "chunked"},
    "another host": {"Host": "169.254.169.254"},
    "another host in capitals": {"HOST": "169.254.169.254"},
    "another protocol": {"Upgrade": "h2c"},
    "a kept connection": {"Connection": "Transfer-Encoding"},
    "a proxy's header": {"Proxy-Authorization": "x"},
    "no JSON object": ["Host: x"],
}


@pytest.mark.parametrize("internal", [False, True], ids=["by a headers function", "by the internal function"])
@pytest.mark.parametrize("headers", HEADERS.values(), ids=HEADERS)
def test_a_header_is_not_smuggled(house: House, echo: ScriptedServer, headers: object, internal: bool) -> None:
    house.db.run(
        "select polar_ai.ai_createmodel('echo', %s, model_headers_fn => 'public.more_headers'::regproc,"
        " model_in_transform_fn => 'public.body'::regproc, model_out_transform_fn => 'public.result'::regproc)",
        echo.url,
    )
    made = json.dumps(headers)
    if internal:
        permit = "(select permit from polar_ai._model('echo'))"
        call = f"select (polar_ai._post('echo', {permit}, '{{}}', %s)).error ->> 'sqlstate'"
        seen = house.attack("caller", call, parameters=(made,))
        state = seen.rows[0][0] if seen.rows else seen.sqlstate
    else:
        seen = house.attack(
            "caller",
            "set attack.headers = '" + made.replace("'", "''") + "'",
            "select polar_ai.ai_callmodel('echo', 'x'::text)",
        )
        state = seen.sqlstate
    house.db.run("select polar_ai.ai_dropmodel('echo')")
    assert state == "22023" and not echo.requests, (seen.text, [request.headers for request in echo.requests])


@pytest.mark.parametrize("token", ["a\r\nX-Injected: 1", "a\nb", "a\n", "\u2028", "a\x01\x7f\r"])
def test_a_token_adds_no_header(house: House, echo: ScriptedServer, token: str) -> None:
    house.db.run("select polar_ai.ai_createmodel('echo', %s, 'clip-as-service')", echo.url)
    house.db.run("select polar_ai.ai_setmodeltoken('echo', %s)", token)
    seen = house.attack("caller", "select polar_ai.ai_callmodel('echo', 'x'::text)")
    house.db.run("select polar_ai.ai_dropmodel('echo')")
    assert seen.sqlstate == "22023" and not echo.requests


@pytest.mark.parametrize(
    "url", ["http://me:s3cret-in-the-url@127.0.0.1/", "http://s3cret-in-the-url@127.0.0.1", "https://a:b@c/post"]
)
def test_a_models_url_that_everybody_reads_holds_no_password(house: House, url: str) -> None:
    create = "select polar_ai.ai_createmodel('open-secret', %s, 'clip-as-service')"
    assert house.attack("admin", create, parameters=(url,)).sqlstate == "22023"


@pytest.mark.parametrize(
    "url",
    [
        "http://me:s3cret-in-the-url@127.0.0.1:{port}/x?sig=s3cret-in-the-url",
        "http://me:s3cret-in-the-url@127.0.0.1:9/x?sig=s3cret-in-the-url#s3cret-in-the-url",
        "http://me:s3cret-in-the-url@no-such-host.invalid/",
        "http://me:s3cret-in-the-url@169.254.169.254/",
        "http://me:s3cret-in-the-url@[bad/",
        "http:/me:s3cret-in-the-url@127.0.0.1/",
        "oss://id:s3cret-in-the-url@endpoint/bucket/x.jpg",
    ],
)
@pytest.mark.parametrize("image", [False, True], ids=["loaded", "embedded"])
def test_no_error_shows_the_secret_in_a_url(
    house: House, allowed: Allow, http_server: Callable[..., ScriptedServer], url: str, image: bool
) -> None:
    server = http_server(lambda request: Reply(body=b"no image"))
    for entry in (server.url, "http://127.0.0.1:9", "http://*"):
        allowed(entry)
    house.db.run(
        "select polar_ai.ai_createmodel('pictures', %s, 'clip-as-service', model_config => '{\"input\": \"image\"}')",
        server.url,
    )
    statement = "select polar_ai.ai_callmodels('pictures', array[%s])" if image else (
        "select polar_ai.ai_imageasbase64(polar_ai.ai_loadfile(%s))"
    )  # fmt: skip
    seen = house.attack("caller", statement, parameters=(url.format(port=server.url.rpartition(":")[2]),))
    house.db.run("select polar_ai.ai_dropmodel('pictures')")
    assert (image or seen.sqlstate) and "s3cret-in-the-url" not in seen.text, seen.text
