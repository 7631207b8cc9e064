"""One request and its response: its bounds, what came back, and how another thread breaks it off."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass


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
