"""A client that goes away while its query waits for a model."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

from tests.support.database import Database
from tests.support.http_server import Reply, Request, ScriptedServer


def test_a_call_ends_within_a_second_of_its_clients_end(
    database: Database, http_server: Callable[..., ScriptedServer]
) -> None:
    def hang(_: Request) -> Reply:
        server.closing.wait(30)
        return Reply()

    server = http_server(hang)
    database.run("select polar_ai.ai_createmodel('hanging', %s, 'clip-as-service')", server.url + "/post")
    client = database.connect()
    pid = client.info.backend_pid
    client.pgconn.send_query(b"select polar_ai.ai_embedding('hanging', 'a text')")
    deadline = time.monotonic() + 10
    while not server.requests and time.monotonic() < deadline:
        time.sleep(0.02)
    # The socket is closed under the connection: no Terminate message, as when a client is killed.
    socket.socket(fileno=client.pgconn.socket).close()
    gone = time.monotonic()
    while database.value("select count(*) from pg_stat_activity where pid = %s", pid) and time.monotonic() < gone + 10:
        time.sleep(0.05)
    assert time.monotonic() - gone < 1.5
