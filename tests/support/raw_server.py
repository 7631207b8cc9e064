"""A TCP server on loopback that speaks no HTTP of its own: for servers that hang, trickle or break off."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from typing import Protocol


class Behaviour(Protocol):
    """What to do with one connection; ``closing`` is set when the test ends."""

    def __call__(self, connection: socket.socket, closing: threading.Event) -> None: ...


class RawServer:
    """Gives each connection to ``behaviour`` in a thread of its own; counts them."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.connections = 0
        self.ended = 0
        self.closing = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """http://127.0.0.1:PORT"""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def close(self) -> None:
        """Stop, and let blocked connections go."""
        self.closing.set()
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            self.behaviour(connection, self.closing)
        self.ended += 1


def read_head(connection: socket.socket) -> bytes:
    """Read one request as far as the end of its headers."""
    received = b""
    while b"\r\n\r\n" not in received and (chunk := connection.recv(65536)):
        received += chunk
    return received


def never_answers(connection: socket.socket, closing: threading.Event) -> None:
    """Take the request and say nothing."""
    read_head(connection)
    closing.wait(60)


def hangs_in_the_body(connection: socket.socket, closing: threading.Event) -> None:
    """Promise a long answer and stop after its beginning."""
    read_head(connection)
    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n{"data": [')
    closing.wait(60)


def trickling(head: bytes) -> Callable[[socket.socket, threading.Event], None]:
    """Answer with ``head`` at once and then with one byte every tenth of a second, without end."""

    def behaviour(connection: socket.socket, closing: threading.Event) -> None:
        read_head(connection)
        connection.sendall(head)
        while not closing.wait(0.1):
            connection.sendall(b" ")

    return behaviour


trickles_a_sized_body = trickling(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
trickles_an_endless_body = trickling(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}")
trickles_headers = trickling(b"HTTP/1.1 200 OK\r\nX-Slow: ")

# Every way in which a service may keep its caller waiting.
SLOW = [never_answers, hangs_in_the_body, trickles_a_sized_body, trickles_an_endless_body, trickles_headers]
SLOW_NAMES = ["never answers", "hangs in the body", "trickles a body", "trickles an endless body", "trickles headers"]
