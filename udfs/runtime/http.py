"""HTTP from inside the backend: guarded addresses, bounded time and size, kept connections.

Connections are checked where they are made, after the name was resolved and on the very address that
is then connected to: neither a redirect nor a resolver that changes its answer gets past the check.
"""

from __future__ import annotations

import contextlib
import functools
import http.cookiejar
import json
import os
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util.connection import create_connection

from . import allow_list
from .errors import (
    BAD_ARGUMENT,
    BAD_RESPONSE,
    CONNECTION_LOST,
    NOT_FOUND,
    OVERLOADED,
    REFUSED,
    TOO_LARGE,
    UNREACHABLE,
    PolarAIError,
    excerpt,
)
from .interrupts import Operation

MAX_REDIRECTS = 5
LEAST_PAUSE_SECONDS = 0.1


@dataclass(frozen=True)
class Limits:
    """Bounds of one call. Seconds and bytes; ``retry_times`` counts the tries after the first."""

    timeout: float = 10.0
    connect_timeout: float = 5.0
    retry_times: int = 0
    retry_interval: float = 3.0
    backoff: float = 1.0  # what each pause is longer than the one before by
    keep_alive: bool = True
    response_bytes: int = 64 * 2**20


@dataclass(frozen=True)
class Answer:
    """A response that was read whole; ``too_large`` where it was broken off at the size limit."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    too_large: bool = False


class Exchange:
    """One request and its response, which another thread can break off."""

    def __init__(self, description: str, timeout: float) -> None:
        """Start the clock of ``timeout`` seconds; ``description`` says in errors what was being done."""
        self.description = description
        self.deadline = time.monotonic() + timeout
        self.aborted = False
        self.reused_connection = False
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()

    def attach(self, sock: socket.socket) -> None:
        """Note the socket that this exchange waits on; raise where the exchange was broken off already.

        Under a handle of our own: TLS wraps the socket, and a response that ends with its connection takes
        the socket away from it.
        """
        handle = socket.socket(fileno=os.dup(sock.fileno()))
        with self._lock:
            if self._socket is not None:
                self._socket.close()
            self._socket = handle
        self.check()

    def check(self) -> None:
        """Raise where this exchange was broken off: what was read may be less than was sent."""
        if self.aborted:
            raise ConnectionAbortedError("broken off")

    def abort(self) -> None:
        """Shut the socket down: whoever is blocked on it returns at once."""
        self.aborted = True
        with self._lock, contextlib.suppress(OSError):  # already gone
            if self._socket is not None:
                self._socket.shutdown(socket.SHUT_RDWR)

    def end(self) -> None:
        """Let the socket go."""
        with self._lock:
            if self._socket is not None:
                self._socket.close()
                self._socket = None


# The exchange that this worker thread is in.
_here = threading.local()


class _Guard:
    """Mixed into urllib3's connections: checks the address, and tells the exchange its connection."""

    grant: allow_list.Grant
    _requests_made = 0

    def _new_conn(self: Any) -> socket.socket:
        try:
            infos = socket.getaddrinfo(self._dns_host, self.port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise NameResolutionError(self.host, self, error) from error  # type: ignore[arg-type]
        addresses = list(dict.fromkeys(str(info[4][0]) for info in infos))
        scheme = "https" if isinstance(self, HTTPSConnection) else "http"
        for address in addresses:
            allow_list.check_address(address, self.grant, f"{scheme}://{self.host}:{self.port}/")
        failure: OSError = OSError("the name has no address")
        for address in addresses:
            # Connecting to the checked address asks no resolver again.
            try:
                made = create_connection((address, self.port), self.timeout, self.source_address, self.socket_options)
            except TimeoutError as error:
                raise ConnectTimeoutError(self, "no connection in time") from error
            except OSError as error:
                failure = error
                continue
            exchange: Exchange | None = getattr(_here, "exchange", None)
            try:
                if exchange is not None:
                    exchange.attach(made)
            except BaseException:
                made.close()  # cancelled while it connected: the service need not hear of it
                raise
            return made
        raise NewConnectionError(self, str(failure)) from failure

    def request(self: Any, *args: Any, **kwargs: Any) -> None:
        exchange: Exchange | None = getattr(_here, "exchange", None)
        if exchange is not None:
            exchange.reused_connection = self._requests_made > 0 and self.sock is not None
            exchange.check()
            if self.sock is not None:
                exchange.attach(self.sock)
        self._requests_made += 1
        super().request(*args, **kwargs)  # type: ignore[misc]


def _pool_classes(grant: allow_list.Grant) -> dict[str, type]:
    """Return urllib3's pools with connections that are held to ``grant``."""
    return {
        scheme: type("Pool", (pool,), {"ConnectionCls": type("Connection", (_Guard, plain), {"grant": grant})})
        for scheme, pool, plain in (
            ("http", HTTPConnectionPool, HTTPConnection),
            ("https", HTTPSConnectionPool, HTTPSConnection),
        )
    }


class _GuardedAdapter(HTTPAdapter):
    def __init__(self, pool_classes: dict[str, type]) -> None:
        self._pool_classes = pool_classes
        super().__init__(pool_connections=16, pool_maxsize=64)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._pool_classes


@functools.cache
def _session(grant: allow_list.Grant) -> requests.Session:
    """Return the kept connections of one grant: they are never lent to a call with another."""
    session = requests.Session()
    # Neither a proxy nor a .netrc of the server's environment: they would go round the address check.
    session.trust_env = False
    session.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
    session.headers["User-Agent"] = "polarlens"
    adapter = _GuardedAdapter(_pool_classes(grant))
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session


def get(url: str, entries: Sequence[str], limits: Limits, operation: Operation, size_limit: int) -> bytes | None:
    """Return what ``url`` holds; None where it is larger than ``size_limit`` bytes (0: no limit).

    Follows up to five redirects, each checked against the allow-list ``entries``.
    """
    description = f"loading {allow_list.masked(url)}"
    answer = fetch(url, {}, entries, limits, operation, size_limit, description)
    if answer.status != 200:
        raise status_error(answer, description, stage="load")
    return None if answer.too_large else answer.content


def fetch(
    url: str,
    headers: Mapping[str, str],
    entries: Sequence[str],
    limits: Limits,
    operation: Operation,
    size_limit: int,
    description: str,
    own: Sequence[str] = (),
) -> Answer:
    """Return the answer to a GET, whatever its status, after up to five redirects.

    ``own`` is what the registry names, beside the allow-list. ``headers`` go to no other host than the first.
    """
    where, sent = url, headers
    for _ in range(MAX_REDIRECTS + 1):
        grant = allow_list.check_url(where, entries, own)
        answer = _tried("GET", where, None, sent, grant, limits, operation, description, size_limit)
        if answer.status not in (301, 302, 303, 307, 308) or "Location" not in answer.headers:
            return answer
        try:
            following = urljoin(where, answer.headers["Location"])
            if urlsplit(following)[:2] != urlsplit(where)[:2]:
                sent = {}
        except ValueError:
            message = f"{description}: redirected to what is no URL"
            raise PolarAIError(message, sqlstate=BAD_RESPONSE, stage="load") from None
        where = following
    raise PolarAIError(f"{description}: more than {MAX_REDIRECTS} redirects", sqlstate=BAD_RESPONSE, stage="load")


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    entries: Sequence[str],
    limits: Limits,
    operation: Operation,
    description: str,
) -> bytes:
    """Send ``body`` as JSON to a model's ``url`` and return the body of its 2xx answer.

    Raises PolarAIError for anything else.
    """
    answer = exchange(url, body, headers, entries, limits, operation, description)
    if not 200 <= answer.status < 300:
        raise status_error(answer, description, stage="request")
    return answer.content


def exchange(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    entries: Sequence[str],
    limits: Limits,
    operation: Operation,
    description: str,
) -> Answer:
    """Send ``body`` as JSON to a model's ``url`` and return the answer, whatever its status.

    The model's own URL counts as allowed, for registering it named it, unless its address is link-local.
    """
    grant = allow_list.check_url(url, entries, own=[url])
    sent = {"Content-Type": "application/json", "Accept": "application/json", **headers}
    answer = _tried("POST", url, body, sent, grant, limits, operation, description, limits.response_bytes)
    if answer.too_large:
        raise PolarAIError(
            f"{description}: the answer is larger than {limits.response_bytes / 2**20:g} MB",
            sqlstate=TOO_LARGE,
            scope="batch",
        )
    return _without_token(answer, CaseInsensitiveDict(sent).get("Authorization", "").rpartition(" ")[2])


def _without_token(answer: Answer, token: str) -> Answer:
    """Return ``answer`` with the token masked: a service may repeat what it was sent, above all in its errors."""
    if len(token) < 6 or not set(token) - set("0123456789+-.eE"):
        return answer  # as short, or as much a number, as what an embedding holds
    content, headers = answer.content, dict(answer.headers)
    for spelled in (token, json.dumps(token)[1:-1], token.replace("/", "\\/")):
        content = content.replace(spelled.encode(), b"********")
        headers = {name: value.replace(spelled, "********") for name, value in headers.items()}
    return replace(answer, content=content, headers=CaseInsensitiveDict(headers))


def _tried(
    method: str,
    url: str,
    body: bytes | None,
    headers: Mapping[str, str],
    grant: allow_list.Grant,
    limits: Limits,
    operation: Operation,
    description: str,
    size_limit: int,
) -> Answer:
    """Send once, and again up to ``retry_times`` where the service was not reached or is not ready.

    A service that asks to wait (429, or 503 with Retry-After) has not failed: that counts as no try, and is waited for
    as long as one request may take.
    """
    tries, patience_ends = 0, time.monotonic() + limits.timeout
    # What is only read may be asked for again whatever went wrong there.
    failing = (500, 502, 503, 504) if method == "GET" else (503,)
    while True:
        pause = limits.retry_interval * limits.backoff**tries
        try:
            answer = _once(method, url, body, headers, grant, limits, operation, description, size_limit)
        except PolarAIError as error:
            if tries == limits.retry_times or error.sqlstate not in (UNREACHABLE, CONNECTION_LOST):
                raise
            tries += 1
        else:
            asked = _retry_after(answer)
            if answer.status == 429 or (answer.status == 503 and asked is not None):
                # "Come back in 0 seconds" must not become a busy loop.
                pause = max(pause if asked is None else asked, LEAST_PAUSE_SECONDS)
                if time.monotonic() + pause > patience_ends:
                    return answer
            elif answer.status not in failing or tries == limits.retry_times:
                return answer
            else:
                tries += 1
        operation.sleep(pause)
        operation.check()


def _once(
    method: str,
    url: str,
    body: bytes | None,
    headers: Mapping[str, str],
    grant: allow_list.Grant,
    limits: Limits,
    operation: Operation,
    description: str,
    size_limit: int,
) -> Answer:
    exchange = Exchange(description, limits.timeout)
    operation.enter(exchange)
    _here.exchange = exchange
    try:
        session = _session(grant)
        while True:
            try:
                return _exchange(session, method, url, body, headers, limits, exchange, size_limit)
            except (requests.ConnectionError, urllib3.exceptions.ProtocolError):
                # The service closed an idle connection under us: each such one leaves the pool, and in the
                # end a new one is made. (Emptying the pool would fail those who are about to take from it.)
                late = exchange.aborted or time.monotonic() >= exchange.deadline
                if late or not exchange.reused_connection:
                    raise
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        raise _transport_error(error, exchange, url, limits) from None
    finally:
        _here.exchange = None
        operation.leave(exchange)
        exchange.end()


def _exchange(
    session: requests.Session,
    method: str,
    url: str,
    body: bytes | None,
    headers: Mapping[str, str],
    limits: Limits,
    exchange: Exchange,
    size_limit: int,
) -> Answer:
    exchange.reused_connection = False
    sent = {**headers, "Accept-Encoding": "identity"}
    if not limits.keep_alive:
        sent["Connection"] = "close"
    request = session.prepare_request(requests.Request(method, url, data=body, headers=sent))
    # By the adapter: the session would read a redirect's body whole, however large.
    with session.get_adapter(url).send(
        request,
        stream=True,
        verify=True,
        timeout=(min(limits.connect_timeout, limits.timeout), limits.timeout),
    ) as response:
        chunks, size = [], 0
        for chunk in response.iter_content(256 * 1024):
            size += len(chunk)
            if size_limit and size > size_limit:
                return Answer(response.status_code, response.headers, b"", too_large=True)
            chunks.append(chunk)
        # An answer without a length ends where the connection does, and so looks whole where we ended it.
        exchange.check()
        return Answer(response.status_code, response.headers, b"".join(chunks))


def _transport_error(error: Exception, exchange: Exchange, url: str, limits: Limits) -> PolarAIError:
    """Say in a person's words why there is no answer. The library's own text may hold credentials."""
    stage = "load" if exchange.description.startswith("loading") else "request"
    origin = allow_list.masked(url)
    if isinstance(error, requests.exceptions.InvalidURL):
        return PolarAIError(
            f"{exchange.description}: the URL {origin} is malformed", sqlstate=BAD_ARGUMENT, stage=stage, scope="batch"
        )
    if isinstance(error, requests.exceptions.InvalidHeader | UnicodeError):
        return PolarAIError(
            f"{exchange.description}: a request header holds characters that HTTP cannot send",
            sqlstate=BAD_ARGUMENT,
            hint="Look at the model's token (a line break at its end?) and at its model_headers_fn.",
            stage=stage,
            scope="batch",
        )
    timed_out = (
        isinstance(error, requests.Timeout | urllib3.exceptions.TimeoutError | TimeoutError)
        or time.monotonic() >= exchange.deadline
    )
    if timed_out and not _not_reached(error):
        return PolarAIError(
            f"{exchange.description}: no complete answer within {limits.timeout:g} s",
            sqlstate=CONNECTION_LOST,
            hint="Raise polar.ai.http_timeout_msec, or look at the service.",
            stage=stage,
            scope="batch",
        )
    if _not_reached(error):
        return PolarAIError(
            f"{exchange.description}: cannot connect to {origin} ({_reason(error)})",
            sqlstate=UNREACHABLE,
            hint="Is the service running, and does its URL name the right host and port?",
            stage=stage,
            scope="batch",
        )
    return PolarAIError(
        f"{exchange.description}: the connection broke ({_reason(error)})",
        sqlstate=CONNECTION_LOST,
        stage=stage,
        scope="batch",
    )


def _not_reached(error: BaseException) -> bool:
    wanted = (
        NewConnectionError,
        NameResolutionError,
        ConnectTimeoutError,
        urllib3.exceptions.SSLError,
    )
    return any(isinstance(cause, wanted) for cause in _causes(error))


def _causes(error: BaseException | None) -> list[BaseException]:
    """Return ``error`` and what lies under it: requests and urllib3 keep causes in several places."""
    found: list[BaseException] = []
    # What an error of ours was about is over: this one only came up while that one was dealt with.
    while error is not None and error not in found and not isinstance(error, PolarAIError):
        found.append(error)
        inner = getattr(error, "reason", None) or next(
            (arg for arg in error.args if isinstance(arg, BaseException)), None
        )
        error = inner if isinstance(inner, BaseException) else (error.__cause__ or error.__context__)
    return found


def _reason(error: BaseException) -> str:
    for cause in reversed(_causes(error)):
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
    names = [type(cause).__name__ for cause in _causes(error)]
    return {
        "RemoteDisconnected": "closed by the service without an answer",
        "IncompleteRead": "closed by the service in the middle of its answer",
        "ConnectTimeoutError": "no connection in time",
    }.get(names[-1], names[-1])


def status_error(answer: Answer, description: str, stage: str) -> PolarAIError:
    """Return what a service's refusal means, for a person."""
    said = excerpt(answer.content.decode("utf-8", "replace"))
    message = f"{description}: HTTP status {answer.status}"
    detail = f"The service said: {said}" if said and stage == "request" else None
    if answer.status in (401, 403):
        return PolarAIError(
            f"{message} (not authorised)",
            sqlstate=REFUSED,
            detail=detail,
            hint="Check the token: select polar_ai.ai_setmodeltoken(model_id, token);" if stage == "request" else None,
            stage=stage,
            scope="batch" if stage == "request" else "item",
        )
    if answer.status == 404 and stage == "load":
        return PolarAIError(message, sqlstate=NOT_FOUND, stage=stage)
    if answer.status in (408, 425, 429, 502, 503, 504):
        return PolarAIError(
            message,
            sqlstate=OVERLOADED,
            detail=detail,
            hint="The service is overloaded or not ready; try again later.",
            stage=stage,
            scope="batch",
        )
    # 400, 413, 422 and 500 are what services answer to input they cannot take: worth a look item by item.
    about_input = stage == "load" or answer.status in (400, 413, 415, 422, 500)
    return PolarAIError(
        message, sqlstate=BAD_RESPONSE, detail=detail, stage=stage, scope="item" if about_input else "batch"
    )


def _retry_after(answer: Answer) -> float | None:
    """Return the seconds that the service asks to wait, or None where it does not say (dates are not read)."""
    try:
        return max(0.0, float(answer.headers["Retry-After"]))
    except (KeyError, ValueError):
        return None
