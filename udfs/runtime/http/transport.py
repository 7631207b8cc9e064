"""Connections: made only to addresses that were checked, kept from call to call, and one request over one of them.

The check is made where a connection is, after the name was resolved and on the very address that is then connected to:
neither a redirect nor a resolver that changes its answer gets past it. urllib3 does the rest; it knows no proxy, .netrc
or cookie of the server's environment.
"""

from __future__ import annotations

import functools
import re
import socket
import threading
import time
from typing import Any
from urllib.parse import unquote

import certifi
import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util import Timeout, make_headers
from urllib3.util.connection import create_connection

from ..interrupts import Operation
from . import allow_list
from .errors import transport_error
from .request import Answer, Exchange, Limits, Request

# As much of an answer as is read in one piece.
READ_BYTES = 256 * 1024
# One line: the library would let folded ones pass, in which a second header can hide.
_HEADER_VALUE = re.compile(r"(\S[^\r\n]*)?")

# The exchange of this worker thread, as the attribute ``exchange``.
_current = threading.local()


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
            exchange: Exchange | None = getattr(_current, "exchange", None)
            try:
                if exchange is not None:
                    exchange.attach(made)
            except BaseException:
                made.close()  # cancelled while it connected: the service need not hear of it
                raise
            return made
        raise NewConnectionError(self, str(failure)) from failure

    def request(self: Any, *args: Any, **kwargs: Any) -> None:
        exchange: Exchange | None = getattr(_current, "exchange", None)
        if exchange is not None:
            exchange.reused_connection = self._requests_made > 0 and self.sock is not None
            exchange.check()
            if self.sock is not None:
                exchange.attach(self.sock)
        self._requests_made += 1
        super().request(*args, **kwargs)  # type: ignore[misc]


@functools.cache
def _manager(grant: allow_list.Grant) -> urllib3.PoolManager:
    """Return the kept connections of one grant: they are never lent to a call with another."""
    manager = urllib3.PoolManager(num_pools=16, maxsize=64, ca_certs=certifi.where())
    manager.pool_classes_by_scheme = {
        scheme: type("Pool", (pool,), {"ConnectionCls": type("Connection", (_Guard, plain), {"grant": grant})})
        for scheme, pool, plain in (
            ("http", HTTPConnectionPool, HTTPConnection),
            ("https", HTTPSConnectionPool, HTTPSConnection),
        )
    }
    return manager


def send(request: Request, limits: Limits, operation: Operation) -> Answer:
    """Send once and return the answer, whatever its status; replace a kept connection that died.

    Raise PolarAIError if no complete answer arrives.
    """
    exchange = Exchange(request.description, limits.timeout)
    operation.enter(exchange)
    _current.exchange = exchange
    try:
        response = _begin(request, limits, exchange)
        whole = False
        try:
            answer = _read(response, request.size_limit, exchange)
            whole = not answer.too_large
            return answer
        finally:
            if not whole:
                response.close()  # not reusable: the rest of the response is unread
            response.release_conn()
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        late = time.monotonic() >= exchange.deadline
        raise transport_error(error, request, limits.timeout, late) from None
    finally:
        _current.exchange = None
        operation.leave(exchange)
        exchange.end()


def _begin(request: Request, limits: Limits, exchange: Exchange) -> urllib3.BaseHTTPResponse:
    """Return the response as soon as its head has arrived."""
    # Split as the check split it, so that the URL that was checked is the URL that is asked.
    url = allow_list.parse_url(request.url)
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    headers = _headers(request)
    if url.username or url.password:
        user = f"{unquote(url.username or '')}:{unquote(url.password or '')}"
        headers["Authorization"] = make_headers(basic_auth=user)["authorization"]
    if not limits.keep_alive:
        headers["Connection"] = "close"
    pool = _manager(request.grant).connection_from_host(url.hostname, url.port, url.scheme)
    timeout = Timeout(connect=min(limits.connect_timeout, limits.timeout), read=limits.timeout)
    while True:
        exchange.reused_connection = False
        try:
            return pool.urlopen(
                request.method,
                target,
                request.body,
                headers,
                retries=False,
                redirect=False,
                timeout=timeout,
                preload_content=False,
            )
        except urllib3.exceptions.ProtocolError:
            # The service closed an idle connection: each such one leaves the pool, until a new one is made.
            # (Emptying the pool would fail the threads that are about to take from it.)
            late = exchange.aborted or time.monotonic() >= exchange.deadline
            if late or not exchange.reused_connection:
                raise


def _headers(request: Request) -> urllib3.HTTPHeaderDict:
    headers = urllib3.HTTPHeaderDict({"User-Agent": "polarlens", "Accept": "*/*"})
    if request.body is not None:
        headers["Content-Type"] = headers["Accept"] = "application/json"
    for name, value in request.headers.items():
        if not _HEADER_VALUE.fullmatch(value):
            raise ValueError("a header's value has a line break, or begins with white space")
        headers[name] = value
    headers["Accept-Encoding"] = "identity"
    return headers


def _read(response: urllib3.BaseHTTPResponse, size_limit: int, exchange: Exchange) -> Answer:
    chunks, size = [], 0
    for chunk in response.stream(READ_BYTES, decode_content=True):
        size += len(chunk)
        if size_limit and size > size_limit:
            return Answer(response.status, response.headers, b"", too_large=True)
        chunks.append(chunk)
    # An answer without a length ends with its connection, and so looks whole if we ended that.
    exchange.check()
    return Answer(response.status, response.headers, b"".join(chunks))
