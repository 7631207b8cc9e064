"""Connections: made only to addresses that were checked, kept from call to call, and what is sent over one.

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
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import certifi
import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util import Timeout, make_headers
from urllib3.util.connection import create_connection

from . import allow_list
from .exchange import Answer, Exchange, Limits
from .http_errors import transport_error
from .interrupts import Operation

# As much of an answer as is read in one piece.
READ_BYTES = 256 * 1024
# One line: the library would let folded ones pass, in which a second header can hide.
_HEADER_VALUE = re.compile(r"(\S[^\r\n]*)?")

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


def send(
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
    """Send one request and return its answer, whatever the status; a kept connection that died is replaced."""
    exchange = Exchange(description, limits.timeout)
    operation.enter(exchange)
    _here.exchange = exchange
    try:
        response = _answered(method, url, body, headers, grant, limits, exchange)
        whole = False
        try:
            answer = _read(response, size_limit, exchange)
            whole = not answer.too_large
            return answer
        finally:
            if not whole:
                response.close()  # what it would still send is in nobody's way
            response.release_conn()
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        raise transport_error(error, exchange, url, limits) from None
    finally:
        _here.exchange = None
        operation.leave(exchange)
        exchange.end()


def _answered(
    method: str,
    url: str,
    body: bytes | None,
    headers: Mapping[str, str],
    grant: allow_list.Grant,
    limits: Limits,
    exchange: Exchange,
) -> urllib3.BaseHTTPResponse:
    """Return the response as soon as its head is there."""
    # Split as the check split it, so that what was checked is what is asked.
    where = allow_list.parse_url(url)
    target = (where.path or "/") + (f"?{where.query}" if where.query else "")
    sent = urllib3.HTTPHeaderDict({"User-Agent": "polarlens", "Accept": "*/*"})
    for name, value in headers.items():
        if not _HEADER_VALUE.fullmatch(value):
            raise ValueError("a header's value has a line break, or begins with white space")
        sent[name] = value
    sent["Accept-Encoding"] = "identity"
    if where.username or where.password:
        user = f"{unquote(where.username or '')}:{unquote(where.password or '')}"
        sent["Authorization"] = make_headers(basic_auth=user)["authorization"]
    if not limits.keep_alive:
        sent["Connection"] = "close"
    pool = _manager(grant).connection_from_host(where.hostname, where.port, where.scheme)
    timeout = Timeout(connect=min(limits.connect_timeout, limits.timeout), read=limits.timeout)
    while True:
        exchange.reused_connection = False
        try:
            return pool.urlopen(
                method, target, body, sent, False, redirect=False, timeout=timeout, preload_content=False
            )
        except urllib3.exceptions.ProtocolError:
            # The service closed an idle connection under us: each such one leaves the pool, and in the
            # end a new one is made. (Emptying the pool would fail those who are about to take from it.)
            late = exchange.aborted or time.monotonic() >= exchange.deadline
            if late or not exchange.reused_connection:
                raise


def _read(response: urllib3.BaseHTTPResponse, size_limit: int, exchange: Exchange) -> Answer:
    chunks, size = [], 0
    for chunk in response.stream(READ_BYTES, decode_content=True):
        size += len(chunk)
        if size_limit and size > size_limit:
            return Answer(response.status, response.headers, b"", too_large=True)
        chunks.append(chunk)
    # An answer without a length ends where the connection does, and so looks whole where we ended it.
    exchange.check()
    return Answer(response.status, response.headers, b"".join(chunks))
