"""One request: what is sent, its bounds, what came back, and how another thread breaks it off."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from .allow_list import AllowList, Grant


@dataclass(frozen=True)
class Limits:
    """Bounds of one call, in seconds; ``retry_times`` counts the tries after the first."""

    timeout: float = 10.0
    connect_timeout: float = 5.0
    retry_times: int = 0
    retry_interval: float = 3.0
    backoff: float = 1.0  # the factor from each pause to the next
    keep_alive: bool = True


@dataclass(frozen=True)
class Request:
    """What is sent, and where to. There is none for a URL that the allow-list refuses, redirects included.

    ``description`` says in errors what was being done. ``body`` is JSON.
    """

    url: str
    allow_list: AllowList
    description: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    size_limit: int = 64 * 2**20  # bytes of the answer; 0: no limit
    grant: Grant = field(init=False)

    def __post_init__(self) -> None:
        """Check the URL: dataclasses.replace() comes here, too."""
        object.__setattr__(self, "grant", self.allow_list.grant(self.url))

    @property
    def stage(self) -> str:
        """The step that an error belongs to."""
        return "load" if self.method == "GET" else "request"


@dataclass(frozen=True)
class Answer:
    """A response that was read whole; ``too_large`` where it was broken off at the size limit."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    too_large: bool = False


class Exchange:
    """One request under way, which another thread can break off."""

    def __init__(self, description: str, timeout: float) -> None:
        """Start the clock of ``timeout`` seconds; ``description`` says in errors what was being done."""
        self.description = description
        self.deadline = time.monotonic() + timeout
        self.aborted = False
        self.reused_connection = False
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()

    def attach(self, sock: socket.socket) -> None:
        """Note the socket that this exchange waits on; raise if the exchange was broken off already.

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
        """Raise if this exchange was broken off: less may have been read than was sent."""
        if self.aborted:
            raise ConnectionAbortedError("broken off")

    def abort(self) -> None:
        """Shut the socket down: a thread that is blocked on it returns at once."""
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
