from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.http_server import Reply, Request, ScriptedServer
from tests.support.raw_server import SLOW, SLOW_NAMES, Behaviour, RawServer, never_answers, read_head
from udfs.runtime import http
from udfs.runtime.errors import PolarAIError
from udfs.runtime.http import AllowList, Limits, transport
from udfs.runtime.interrupts import Operation, run
from udfs.runtime.paths import masked

Start = Callable[..., ScriptedServer]


def get(url: str, *entries: str, limits: Limits | None = None, size: int = 0, poll: Any = lambda: None) -> bytes | None:
    """Load ``url`` as the backend does: in a worker thread, with the main one watching the clock."""
    operation = Operation()

    def work() -> bytes | None:
        request = http.Request(url, AllowList(entries or (url,)), f"loading {masked(url)}", size_limit=size)
        return http.get(request, limits or Limits(), operation)

    return run(work, operation, poll)


def to_model(url: str, headers: dict[str, str] | None = None, size: int = 2**20) -> http.Request:
    return http.Request(url, AllowList(own=(url,)), "calling model m", "POST", headers or {}, b"{}", size)


def post(
    url: str,
    headers: dict[str, str] | None = None,
    limits: Limits | None = None,
    poll: Any = lambda: None,
    size: int = 2**20,
) -> bytes:
    """Post to ``url`` as the backend does."""
    operation = Operation()
    return run(lambda: http.post(to_model(url, headers, size), limits or Limits(), operation), operation, poll)


def error_of(work: Callable[[], Any]) -> PolarAIError:
    with pytest.raises(PolarAIError) as error:
        work()
    return error.value


def test_a_file_is_loaded_whole(http_server: Start) -> None:
    content = bytes(range(256)) * 5000
    server = http_server(lambda request: Reply(body=content))
    assert get(f"{server.url}/a.jpg?x=1") == content
    assert [(request.method, request.path) for request in server.requests] == [("GET", "/a.jpg?x=1")]


def test_a_body_goes_out_as_json_with_its_headers(http_server: Start) -> None:
    server = http_server(lambda request: Reply(body={"echo": request.json()}))
    assert post(server.url, {"Authorization": "Bearer s3cret"}) == b'{"echo": {}}'
    sent = server.requests[0].headers
    assert (sent["Content-Type"], sent["Authorization"]) == ("application/json", "Bearer s3cret")


@pytest.mark.parametrize("length", [True, False])
@pytest.mark.parametrize(("limit", "whole"), [(999, False), (1000, True), (0, True)])
def test_a_file_over_the_limit_is_none_however_its_length_is_told(
    http_server: Start, length: bool, limit: int, whole: bool
) -> None:
    head = b"HTTP/1.1 200 OK\r\n" + (b"Content-Length: 1000\r\n\r\n" if length else b"Connection: close\r\n\r\n")
    server = http_server(lambda request: Reply(raw=head + b"x" * 1000))
    assert get(server.url, size=limit) == (b"x" * 1000 if whole else None)


def test_a_compressed_bomb_counts_as_what_it_unpacks_to(http_server: Start) -> None:
    bomb = gzip.compress(bytes(50_000_000))
    server = http_server(lambda request: Reply(body=bomb, headers={"Content-Encoding": "gzip"}))
    assert get(server.url, size=1_000_000) is None


def test_an_answer_of_a_model_over_its_limit_is_an_error(http_server: Start) -> None:
    server = http_server(lambda request: Reply(body=b"[" + b" " * 5000 + b"]"))
    error = error_of(lambda: post(server.url, size=4000))
    assert (error.sqlstate, error.scope) == ("54000", "batch")


# --- addresses ---------------------------------------------------------------------------------------


def test_a_loopback_address_is_reached_only_where_an_entry_names_the_host(http_server: Start) -> None:
    server = http_server(lambda request: Reply(body=b"ok"))
    assert get(server.url, server.url) == b"ok"

    error = error_of(lambda: get(server.url, "http://*"))
    assert error.sqlstate == "42501"
    assert "127.0.0.1 is not a public address" in error.message
    assert len(server.requests) == 1


def test_a_name_that_leads_to_loopback_is_refused_under_a_wildcard(http_server: Start) -> None:
    server = http_server(lambda request: Reply(body=b"ok"))
    url = server.url.replace("127.0.0.1", "localhost")
    assert "is not a public address" in error_of(lambda: get(url, "http://*")).message
    assert get(url, url) == b"ok"


@pytest.mark.parametrize("host", ["0x7f.1", "2130706433", "0177.0.0.1", "127.1", "[::ffff:127.0.0.1]", "[::1]", "0"])
def test_other_spellings_of_loopback_are_refused_too(http_server: Start, host: str) -> None:
    server = http_server(lambda request: Reply(body=b"ok"))
    port = server.url.rpartition(":")[2]
    assert error_of(lambda: get(f"http://{host}:{port}/", "http://*")).sqlstate == "42501"
    assert not server.requests


def test_a_name_is_judged_by_the_answer_that_is_connected_to(
    http_server: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = http_server(lambda request: Reply(body=b"inner secret"))
    port = int(server.url.rpartition(":")[2])
    real, answers = socket.getaddrinfo, iter(["93.184.215.14", "127.0.0.1"])

    def rebinding(host: Any, *arguments: Any, **named: Any) -> Any:
        # A resolver that answers with a public address first, and with an inner one from then on.
        return real(next(answers, "127.0.0.1") if host == "rebind.example" else host, *arguments, **named)

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    limits = Limits(timeout=1, connect_timeout=0.3)
    states = [error_of(lambda: get(f"http://rebind.example:{port}/", "http://*", limits=limits)).sqlstate for _ in "ab"]
    assert states == ["08001", "42501"]
    assert not server.requests


def test_one_inner_address_among_public_ones_is_enough_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(2, 1, 6, "", ("93.184.215.14", 80)), (2, 1, 6, "", ("10.0.0.1", 80))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments, **named: found)
    assert "10.0.0.1 is not a public address" in error_of(lambda: get("http://two.example/", "http://*")).message


def test_a_connection_of_one_grant_is_not_lent_to_the_other(http_server: Start) -> None:
    server = http_server(lambda request: Reply(body=b"ok"))
    assert get(server.url, server.url) == b"ok"  # its connection stays open
    assert error_of(lambda: get(server.url, "http://*")).sqlstate == "42501"


def test_proxies_and_netrc_of_the_environment_are_not_used(
    http_server: Start, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    (tmp_path / "netrc").write_text("default login me password s3cret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    server = http_server(lambda request: Reply(body=b"ok"))
    assert get(server.url) == b"ok"
    assert "Authorization" not in server.requests[0].headers


def test_cookies_are_not_kept(http_server: Start) -> None:
    server = http_server(lambda request: Reply(body=b"ok", headers={"Set-Cookie": "a=b; Path=/"}))
    get(server.url)
    get(server.url)
    assert "Cookie" not in server.requests[1].headers


# --- redirects ---------------------------------------------------------------------------------------


def test_a_redirect_is_followed_to_what_is_allowed(http_server: Start) -> None:
    server = http_server(
        lambda request: Reply(302, headers={"Location": "/b"}) if request.path == "/a" else Reply(body=b"there")
    )
    assert get(f"{server.url}/a", server.url) == b"there"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "target", ["http://127.0.0.1:{port}/x", "http://169.254.169.254/x", "http://[::1]:{port}/x", "//127.0.0.2:{port}/"]
)
def test_a_redirect_to_an_inner_address_is_refused(http_server: Start, status: int, target: str) -> None:
    inner = http_server(lambda request: Reply(body=b"inner secret"))
    location = target.format(port=inner.url.rpartition(":")[2])
    outer = http_server(lambda request: Reply(status, headers={"Location": location}))

    error = error_of(lambda: get(f"{outer.url}/a", outer.url, "http://*"))

    assert error.sqlstate == "42501" and not inner.requests


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://example.com/", "gopher://127.0.0.1:6379/_x"])
def test_a_redirect_to_another_scheme_is_refused(http_server: Start, location: str) -> None:
    server = http_server(lambda request: Reply(302, headers={"Location": location}))
    assert error_of(lambda: get(server.url, server.url, "file:///")).sqlstate == "22023"


def test_a_redirect_out_of_the_allowed_path_is_refused(http_server: Start) -> None:
    server = http_server(lambda request: Reply(302, headers={"Location": "../private/x"}))
    error = error_of(lambda: get(f"{server.url}/photos/x", f"{server.url}/photos"))
    assert error.sqlstate == "42501" and len(server.requests) == 1


def test_redirects_in_a_circle_end(http_server: Start) -> None:
    server = http_server(lambda request: Reply(302, headers={"Location": "/again"}))
    assert "more than 5 redirects" in error_of(lambda: get(server.url, server.url)).message
    assert len(server.requests) == 6


def test_a_model_that_redirects_does_not_get_the_token_sent_on(http_server: Start) -> None:
    other = http_server(lambda request: Reply(body=b"{}"))
    server = http_server(lambda request: Reply(307, headers={"Location": other.url}))
    error = error_of(lambda: post(server.url, {"Authorization": "Bearer s3cret"}))
    assert (error.scope, error.sqlstate) == ("batch", "08P01")
    assert "307" in error.message and not other.requests


# --- status codes ------------------------------------------------------------------------------------

STATUSES = [
    (400, "08P01", "item"),
    (401, "28000", "batch"),
    (403, "28000", "batch"),
    (404, "08P01", "batch"),
    (405, "08P01", "batch"),
    (413, "08P01", "item"),
    (422, "08P01", "item"),
    (429, "53000", "batch"),
    (500, "08P01", "item"),
    (501, "08P01", "batch"),
    (502, "53000", "batch"),
    (503, "53000", "batch"),
    (504, "53000", "batch"),
]


@pytest.mark.parametrize(("status", "sqlstate", "scope"), STATUSES)
def test_each_status_of_a_model_has_its_error(http_server: Start, status: int, sqlstate: str, scope: str) -> None:
    server = http_server(lambda request: Reply(status, body='{"detail": "what\nhappened"}'))
    limits = Limits(timeout=2, retry_interval=3)  # 429 asks to wait for longer than anybody would
    error = error_of(lambda: post(server.url, {"Authorization": "Bearer s3cret"}, limits))
    assert (error.sqlstate, error.scope, error.stage) == (sqlstate, scope, "request")
    assert str(status) in error.message
    assert error.detail == 'The service said: {"detail": "what happened"}'
    assert "s3cret" not in str(error.as_dict())


@pytest.mark.parametrize(
    ("status", "sqlstate"), [(404, "58P01"), (403, "28000"), (410, "08P01"), (500, "08P01"), (503, "53000")]
)
def test_each_status_of_a_file_has_its_error(http_server: Start, status: int, sqlstate: str) -> None:
    server = http_server(lambda request: Reply(status, body="a secret page"))
    error = error_of(lambda: get(f"{server.url}/a.jpg?sig=s3cret", server.url))
    assert (error.sqlstate, error.stage, error.detail) == (sqlstate, "load", None)
    assert f"{server.url}/a.jpg" in error.message and "s3cret" not in str(error.as_dict())


def test_only_status_200_is_a_file(http_server: Start) -> None:
    server = http_server(lambda request: Reply(206, body=b"half"))
    assert "206" in error_of(lambda: get(server.url)).message


# --- headers -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["s3cret\n", "s3cret\r\nX: y", "s3crét→"])
def test_a_token_that_http_cannot_send_is_said_to_be_one(http_server: Start, token: str) -> None:
    server = http_server(lambda request: Reply(body=b"{}"))
    error = error_of(lambda: post(server.url, {"Authorization": f"Bearer {token}"}, limits=Limits(retry_times=5)))
    assert (error.sqlstate, error.scope) == ("22023", "batch")
    assert "token" in str(error.hint) and "s3cr" not in str(error.as_dict())
    assert not server.requests


# --- connections -------------------------------------------------------------------------------------


def test_connections_are_kept_and_reused(http_server: Start) -> None:
    ports = set()

    def behaviour(connection: socket.socket, closing: threading.Event) -> None:
        while read_head(connection):
            ports.add(connection.getpeername())
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    server = RawServer(behaviour)
    for _ in range(5):
        assert post(server.url) == b"{}"
    assert len(ports) == 1
    post(server.url, limits=Limits(keep_alive=False))
    server.close()


def one_answer_each(connection: socket.socket, closing: threading.Event) -> None:
    """Promise to keep the connection, and reset it when the next request comes."""
    read_head(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
    if connection.recv(1):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def test_a_kept_connection_that_died_is_replaced(raw_server: Callable[[Behaviour], RawServer]) -> None:
    server = raw_server(one_answer_each)
    for _ in range(5):
        assert post(server.url) == b"{}"
    assert server.connections == 5


def test_many_kept_connections_that_died_at_once_fail_nobody(raw_server: Callable[[Behaviour], RawServer]) -> None:
    server = raw_server(one_answer_each)
    for _ in range(30):
        failures: list[BaseException] = []

        def work(failures: list[BaseException] = failures) -> None:
            try:
                http.post(to_model(server.url), Limits(), Operation())
            except PolarAIError as error:
                failures.append(error)

        threads = [threading.Thread(target=work) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failures


def test_a_fresh_connection_that_breaks_is_an_error(raw_server: Callable[[Behaviour], RawServer]) -> None:
    def hang_up(connection: socket.socket, closing: threading.Event) -> None:
        read_head(connection)
        # An end, and no reset: that is what closing with unread input would send.
        connection.shutdown(socket.SHUT_WR)
        connection.recv(65536)

    server = raw_server(hang_up)
    error = error_of(lambda: post(server.url))
    assert (error.sqlstate, error.scope) == ("08006", "batch")
    assert "closed by the service without an answer" in error.message
    assert server.connections == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhalf",
        b"nonsense\r\n\r\n",
        b"\0\xff" * 100,
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000 + b"\r\n",
    ],
)
def test_an_answer_that_is_cut_short_or_garbled_is_never_taken_for_whole(http_server: Start, answer: bytes) -> None:
    server = http_server(lambda request: Reply(raw=answer))
    error = error_of(lambda: get(server.url))
    assert error.sqlstate in ("08006", "08P01") and server.url in error.message


def test_a_service_that_is_not_there_is_named_with_its_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    error = error_of(lambda: post(f"http://me:s3cret@127.0.0.1:{port}/post?key=s3cret"))
    assert (error.sqlstate, error.scope) == ("08001", "batch")
    assert f"http://127.0.0.1:{port}/post" in error.message and "Connection refused" in error.message
    assert "s3cret" not in str(error.as_dict())


def test_a_name_that_does_not_resolve_is_said_so() -> None:
    assert error_of(lambda: get("http://does-not-exist.invalid/x")).sqlstate == "08001"


def test_tls_against_a_plain_server_is_a_connection_error(http_server: Start) -> None:
    server = http_server(lambda request: Reply())
    assert error_of(lambda: get(server.url.replace("http:", "https:"))).sqlstate in ("08001", "08006")


# --- time --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("behaviour", SLOW, ids=SLOW_NAMES)
def test_the_whole_request_is_bounded_in_time(
    raw_server: Callable[[Behaviour], RawServer], behaviour: Behaviour
) -> None:
    server = raw_server(behaviour)
    start = time.monotonic()
    error = error_of(lambda: get(server.url, limits=Limits(timeout=0.5)))

    assert 0.4 < time.monotonic() - start < 1.3
    assert (error.sqlstate, error.scope) == ("08006", "batch")
    assert "no complete answer within 0.5 s" in error.message and "http_timeout_msec" in str(error.hint)


class Cancelled(Exception):
    pass


@pytest.mark.parametrize("behaviour", SLOW, ids=SLOW_NAMES)
def test_a_cancel_closes_the_connection(raw_server: Callable[[Behaviour], RawServer], behaviour: Behaviour) -> None:
    server = raw_server(behaviour)
    end = time.monotonic() + 0.3

    def poll() -> None:
        if time.monotonic() > end:
            raise Cancelled

    with pytest.raises(Cancelled):
        post(server.url, poll=poll)
    assert time.monotonic() - end < 0.5
    if behaviour not in (never_answers, SLOW[1]):  # these two do not look
        deadline = time.monotonic() + 1
        while not server.ended and time.monotonic() < deadline:
            time.sleep(0.02)
        assert server.ended == 1


def test_a_cancel_while_connecting_sends_no_request(
    raw_server: Callable[[Behaviour], RawServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    received: list[bytes] = []
    server = raw_server(lambda connection, closing: received.append(connection.recv(1000)))
    real, connected = transport.create_connection, threading.Event()

    def slow(*arguments: Any, **named: Any) -> socket.socket:
        time.sleep(0.5)
        connected.set()
        return real(*arguments, **named)

    monkeypatch.setattr(transport, "create_connection", slow)
    end = time.monotonic() + 0.1

    def poll() -> None:
        if time.monotonic() > end:
            raise Cancelled

    with pytest.raises(Cancelled):
        post(server.url, poll=poll)
    assert connected.wait(2)
    time.sleep(0.3)
    assert received == [b""]


def test_a_resolver_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments, **named: release.wait(20) and [])
    start = time.monotonic()
    error = error_of(lambda: get("http://slow.example/", limits=Limits(timeout=0.2)))
    release.set()
    assert error.sqlstate == "08006" and time.monotonic() - start < 2


# --- retries -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 503])
def test_an_overloaded_service_is_asked_again(http_server: Start, status: int) -> None:
    replies = iter([Reply(status), Reply(status), Reply(body=b"{}")])
    server = http_server(lambda request: next(replies))
    assert post(server.url, limits=Limits(retry_times=2, retry_interval=0.01)) == b"{}"
    assert len(server.requests) == 3


@pytest.mark.parametrize("status", [400, 401, 404, 500])
def test_other_failures_are_not_repeated(http_server: Start, status: int) -> None:
    server = http_server(lambda request: Reply(status))
    error_of(lambda: post(server.url, limits=Limits(retry_times=5, retry_interval=0.01)))
    assert len(server.requests) == 1


def test_after_the_last_try_the_error_is_raised(http_server: Start) -> None:
    server = http_server(lambda request: Reply(503))
    error = error_of(lambda: post(server.url, limits=Limits(retry_times=2, retry_interval=0.01)))
    assert error.sqlstate == "53000" and len(server.requests) == 3


@pytest.mark.parametrize(
    ("header", "least", "most"), [("0.4", 0.4, 1.5), ("-5", 0, 0.3), ("nonsense", 0, 0.3), ("nan", 0, 0.3)]
)
def test_retry_after_is_waited_for(http_server: Start, header: str, least: float, most: float) -> None:
    replies = iter([Reply(503, headers={"Retry-After": header}), Reply(body=b"{}")])
    server = http_server(lambda request: next(replies))
    start = time.monotonic()
    assert post(server.url, limits=Limits(retry_times=1, retry_interval=0.01)) == b"{}"
    assert least <= time.monotonic() - start < most


@pytest.mark.parametrize("headers", [{"Retry-After": "0"}, {}])
def test_a_service_that_asks_to_come_back_at_once_is_not_asked_without_end(
    http_server: Start, headers: dict[str, str]
) -> None:
    server = http_server(lambda request: Reply(429, headers=headers))
    start = time.monotonic()
    error = error_of(lambda: post(server.url, limits=Limits(timeout=0.6, retry_interval=0)))
    assert error.sqlstate == "53000" and time.monotonic() - start < 2
    assert 2 <= len(server.requests) <= 7


def test_a_cancel_ends_the_pause_before_a_retry(http_server: Start) -> None:
    server = http_server(lambda request: Reply(503, headers={"Retry-After": "5"}))
    end = time.monotonic() + 0.3

    def poll() -> None:
        if time.monotonic() > end:
            raise Cancelled

    with pytest.raises(Cancelled):
        post(server.url, limits=Limits(retry_times=3), poll=poll)
    time.sleep(0.3)
    assert time.monotonic() - end < 1 and len(server.requests) == 1


def test_a_broken_connection_is_tried_again(raw_server: Callable[[Behaviour], RawServer]) -> None:
    def second_time_lucky(connection: socket.socket, closing: threading.Event) -> None:
        read_head(connection)
        if server.connections > 1:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    server = raw_server(second_time_lucky)
    assert post(server.url, limits=Limits(retry_times=1, retry_interval=0.01)) == b"{}"


def test_many_requests_at_once_get_each_its_own_answer(http_server: Start) -> None:
    def echo(request: Request) -> Reply:
        return Reply(body=request.path)

    server = http_server(echo)
    results: dict[int, bytes | None] = {}

    def work(number: int) -> None:
        for _ in range(10):
            request = http.Request(f"{server.url}/{number}", AllowList((server.url,)), "loading")
            results[number] = http.get(request, Limits(), Operation())

    threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {number: f"/{number}".encode() for number in range(16)}
