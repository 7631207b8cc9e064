"""Interrupts inside the server: a cancel, and a client that is gone.

PostgreSQL notices a client's end only when it next writes to it. (client_connection_check_interval would help, but it
is off by default, and a statement that sets it is not covered itself: the timer is armed as a statement begins.)
"""

from __future__ import annotations

import os
import select
import socket

from ..errors import CONNECTION_LOST, PolarAIError
from .interface import Database

_POLL_HANG_UP = getattr(select, "POLLRDHUP", 0)


class Interrupts:
    """Calling it raises if the statement was cancelled, or if its client is gone."""

    def __init__(self, plpy: Database) -> None:
        """Watch the statements of this backend."""
        self._plpy = plpy
        self._client: select.poll | None = None
        self._searched = False

    def __call__(self) -> None:
        """Raise ``SPIError`` on a cancel (any statement notices one), CONNECTION_LOST on a client's end."""
        self._plpy.execute("select 1")
        if not self._searched:
            self._searched = True
            self._client = _client_socket(self._plpy)
        if self._client and self._client.poll(0):
            raise PolarAIError("the client is gone", sqlstate=CONNECTION_LOST, scope="batch")


def _client_socket(plpy: Database) -> select.poll | None:
    """Return the client's socket, ready to be polled, as far as it can be found: on Linux, in a client's backend."""
    row = plpy.execute("select host(inet_client_addr()) as host, inet_client_port() as port")[0]
    descriptor = _descriptor(row["host"], row["port"]) if _POLL_HANG_UP else None
    if descriptor is None:
        return None
    watched = select.poll()
    watched.register(descriptor, _POLL_HANG_UP)
    return watched


def _descriptor(host: str | None, port: int | None) -> int | None:
    try:
        descriptors = [int(name) for name in os.listdir("/proc/self/fd")]  # noqa: PTH208 - names, not paths
    except OSError:
        return None
    for descriptor in descriptors:
        try:
            one = socket.socket(fileno=descriptor)
        except OSError:
            continue  # not a socket
        try:
            peer, family = one.getpeername(), one.family
        except OSError:
            continue  # not connected
        finally:
            one.detach()  # PostgreSQL's, not ours to close
        if host is None and family == socket.AF_UNIX:
            return descriptor
        if host is not None and family != socket.AF_UNIX and peer[1] == port and peer[0].rpartition(":")[2] in host:
            return descriptor
    return None
