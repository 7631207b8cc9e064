"""A session that calls models all day: ten thousand calls of every kind leave nothing behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from tests.support.database import Database
from tests.support.http_server import Reply, Request, ScriptedServer
from tests.support.pictures import picture
from tests.udfs.providers.test_settings import BATCH, article_model

CALLS = 10_000
KINDS = [
    "select polar_ai.ai_callmodel('article', {text})",
    "select polar_ai.ai_callmodel('clip', {text})",
    "select polar_ai.ai_embedding('clip', {text})",
    "select polar_ai.ai_callmodel_raw('clip', {text})",
    "select count(*) from polar_ai.ai_callmodels('article', array[{text}, 'b', 'c'])",
    "select count(*) from polar_ai.ai_callmodels('clip', array[{text}, 'b', 'c'])",
    "select polar_ai.ai_imageasbase64(polar_ai.ai_resizeimage(polar_ai.ai_loadfile('{photo}'), 64, 0)), {text}",
    "select polar_ai.ai_callmodel('clip', {text} || ' bad')",
    "select polar_ai.ai_callmodel('gone', {text})",
    "select polar_ai.ai_loadfile('/etc/passwd'), {text}",
]


def answer(request: Request) -> Reply:
    if b"bad" in request.body:
        return Reply(500)
    items = request.json()["data"]
    return Reply(body={"header": {"status": None}, "data": [{"embedding": [1.5] * 512} for _ in items]})


def process(pid: int) -> tuple[float, int]:
    """Return the megabytes and the threads of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096 / 2**20, len(list(Path(f"/proc/{pid}/task").iterdir()))


@pytest.mark.slow
def test_ten_thousand_calls_in_one_session_leave_less_than_20_megabytes(
    db: Database, http_server: Callable[..., ScriptedServer], photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (photos / "a.jpg").write_bytes(picture(300, 200))
    server = http_server(answer)
    article_model(db, server.url, **BATCH)
    db.run(
        "select polar_ai.ai_createmodel('clip', %s, 'clip-as-service', model_config => '{\"token\": \"t\"}')",
        server.url,
    )
    db.run("select polar_ai.ai_createmodel('gone', 'http://127.0.0.1:9', 'clip-as-service')")
    db.run("select polar_ai.ai_allow(%s)", f"file://{photos}")
    with db.connect() as connection:
        pid = connection.info.backend_pid

        def call(number: int) -> None:
            query = KINDS[number % len(KINDS)].format(text=f"'text {number}'::text", photo=photos / "a.jpg")
            try:
                connection.execute(query.encode())
            except psycopg.Error as error:
                assert error.sqlstate in ("08P01", "08001", "42501"), error

        for number in range(200):
            call(number)
        server.requests.clear()
        before = process(pid)
        for number in range(200, 200 + CALLS):
            call(number)
            if number % 500 == 0:
                server.requests.clear()
        after = process(pid)
        descriptors = db.value("select count(*) from pg_ls_dir(%s, true, false) as fd", f"/proc/{pid}/fd")
    with capsys.disabled():
        print(f"\n{CALLS} calls: {before[0]:.0f} MB before, {after[0]:.0f} MB after; {descriptors} descriptors")
    assert after[0] - before[0] < 20
    assert after[1] <= before[1] + 1 and descriptors < 100
