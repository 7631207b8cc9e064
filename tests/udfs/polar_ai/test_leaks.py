"""A session that calls for days keeps its size."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from tests.support.database import Database
from tests.support.http_server import Reply, ScriptedServer
from tests.support.models import register, register_with_functions
from tests.support.pictures import picture

CALLS = 2000


def resident_megabytes(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 / 2**20


def threads(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


def sockets(db: Database, pid: int) -> int:
    # As the server's own user: nobody else may look into its processes.
    listing = db.value("select count(*) from pg_ls_dir(%s, true, false) as fd", f"/proc/{pid}/fd")
    return int(listing)


@pytest.fixture
def answering(http_server: Callable[..., ScriptedServer]) -> ScriptedServer:
    padding = "x" * 20_000
    reply = {"data": [{"embedding": [1, 2]}], "result": [1, 2], "padding": padding}
    return http_server(lambda request: Reply(500) if b"bad" in request.body else Reply(body=reply))


def test_2000_calls_leave_no_memory_threads_or_sockets_behind(
    db: Database, answering: ScriptedServer, photos: Path
) -> None:
    (photos / "cat.jpg").write_bytes(picture(200, 200))
    register(db, answering.url)
    register_with_functions(db, answering.url)
    db.run("select polar_ai.ai_allow(%s)", f"file://{photos}")
    db.run("select polar_ai.ai_allow(%s)", answering.url)
    load = f"polar_ai.ai_loadfile('{photos}/cat.jpg')"
    kinds = [
        "select polar_ai.ai_callmodel('echo', %s)",
        "select polar_ai.ai_embedding('clip', %s)",
        "select count(*) from polarlens._embed('clip', array[%s, 'b'])",
        f"select length(polar_ai.ai_resizeimage({load}, 20, 0)), %s",
        f"select length(polar_ai.ai_loadfile('{answering.url}')), %s",
        "select polar_ai.ai_embedding('clip', %s || ' bad')",
        "select polar_ai.ai_imageasbase64('nonsense'), %s",
    ]
    with db.connect() as connection:
        pid = connection.info.backend_pid

        def calls(first: int, count: int) -> None:
            for number in range(first, first + count):
                query = kinds[number % len(kinds)].replace("%s", f"'{number:05}'::text")
                try:
                    connection.execute(query.encode())
                except psycopg.Error as error:
                    assert error.sqlstate in ("08P01", "22P03")

        calls(0, 400)
        before = resident_megabytes(pid), threads(pid), sockets(db, pid)
        calls(400, CALLS)
        after = resident_megabytes(pid), threads(pid), sockets(db, pid)

    assert after[0] - before[0] < 8
    assert after[1] <= before[1] + 1
    assert after[2] <= before[2] + 1


def test_threads_and_connections_are_bounded_by_what_is_in_flight(db: Database, answering: ScriptedServer) -> None:
    register(db, answering.url, batch_size=1)
    with db.connect() as connection:
        connection.execute("select count(*) from polarlens._embed('clip', %s, 1000)", [["x"] * 500])
        assert threads(connection.info.backend_pid) <= 70
