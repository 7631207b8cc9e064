"""Noticing that the client is gone: PostgreSQL looks for it only when it next writes to it.

(client_connection_check_interval would do, but it is off by default, and is armed only where a statement begins.)
"""

from __future__ import annotations

import os
import select
import socket
from typing import Any

from .errors import CONNECTION_LOST, PolarAIError

_POLL_HANG_UP = getattr(select, "POLLRDHUP", 0)


class Client:
    """The socket to this session's client, as far as it can be found (on Linux, and not in a background worker)."""

    def __init__(self, plpy: Any) -> None:
        """Find it among the process's sockets by the address that PostgreSQL knows of it."""
        row = plpy.execute("select host(inet_client_addr()) as host, inet_client_port() as port")[0]
        self._poll: select.poll | None = None
        descriptor = _descriptor(row["host"], row["port"]) if _POLL_HANG_UP else None
        if descriptor is not None:
            self._poll = select.poll()
            self._poll.register(descriptor, _POLL_HANG_UP)

    def check(self) -> None:
        """Raise CONNECTION_LOST where the client has hung up."""
        if self._poll and self._poll.poll(0):
            raise PolarAIError("the client is gone", sqlstate=CONNECTION_LOST, scope="batch")


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
