"""A refresh that can be killed in several ways."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from tests.support.clip import ColourClip
from tests.support.database import Database, connect
from tests.support.http_server import ScriptedServer
from tests.support.server import OwnServer

TEXTS = 240
BATCH = 40
TABLE = "search.texts"


@dataclass
class Refresh:
    """The refresh under test and how to start, watch and kill it."""

    postgres: OwnServer
    env: dict[str, str]
    folder: Path
    clip: ColourClip
    service: ScriptedServer

    @property
    def database(self) -> Database:
        """A connection as of now; the server may have been started anew."""
        return Database(self.env, connect(self.env))

    def start(self) -> subprocess.Popen[str]:
        """Start dbt run."""
        return subprocess.Popen(
            [str(Path(sys.executable).parent / "dbt"), "--no-use-colors", "run"],
            cwd=self.folder,
            env={**os.environ, **self.env, "DBT_TARGET_PATH": str(self.folder / "target")},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def clean(self) -> str:
        """Run until nothing is left to do or ten runs have not got there; return the last output."""
        deadline = time.monotonic() + 60
        while True:
            process = self.start()
            output = process.communicate(timeout=120)[0]
            # A killed dbt's session may live on for as long as its last statement.
            if process.returncode == 0 or time.monotonic() > deadline:
                assert process.returncode == 0, output
                return output
            time.sleep(0.5)

    def rows(self) -> list[tuple[Any, ...]]:
        """Return the table, row for row."""
        with self.database.connection as connection:
            return connection.execute(
                f"select text_id, source_version, model_fingerprint, embedding::text from {TABLE} order by text_id"
            ).fetchall()

    def forget(self) -> None:
        """Throw the table away, as if nothing had ever been embedded."""
        with self.database.connection as connection:
            connection.execute(f"drop table if exists {TABLE}, {TABLE}__next cascade")
            connection.execute(
                "truncate polarlens.embedding_spaces, polarlens.embedding_errors, polarlens.refresh_runs"
            )
        self.clip.items = 0

    def kill_dbt(self, process: subprocess.Popen[str]) -> None:
        """kill -9 the client."""
        os.killpg(process.pid, signal.SIGKILL)

    def kill_backend(self, process: subprocess.Popen[str]) -> None:
        """kill -9 the database process that works: the server restarts all of its processes."""
        with self.database.connection as connection:
            found = connection.execute(
                "select pid from pg_stat_activity"
                " where application_name = 'dbt polarlens' and backend_type = 'client backend'"
            ).fetchall()
        for (pid,) in found[:1]:
            os.kill(pid, signal.SIGKILL)
        self.wait_for_server()

    def stop_server(self, process: subprocess.Popen[str]) -> None:
        """Shut the server down at once, as a power cut would leave it, and start it again."""
        postmaster = int((self.postgres.cluster.data / "postmaster.pid").read_text().split()[0])
        os.kill(postmaster, signal.SIGQUIT)
        process.wait(timeout=60)
        deadline = time.monotonic() + 30
        while (self.postgres.cluster.data / "postmaster.pid").exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        self.env = {**self.env, **self.postgres.start(), "PGDATABASE": self.env["PGDATABASE"]}

    def stop_service(self, process: subprocess.Popen[str]) -> None:
        """Take the model away in the middle of its answers, and bring it back later."""
        self.service.close()
        process.wait(timeout=120)
        self.service = ScriptedServer(self.clip)
        with self.database.connection as connection:
            connection.execute(
                "select polar_ai.ai_altermodel('embedding/clip_text', model_url => %s)", [self.service.url + "/post"]
            )

    def wait_for_server(self) -> None:
        """Wait until the server takes connections again."""
        deadline = time.monotonic() + 60
        while True:
            try:
                self.database.connection.close()
                return
            except psycopg.OperationalError:
                assert time.monotonic() < deadline, "the server did not come back"
                time.sleep(0.2)


KILLS: dict[str, Callable[[Refresh, subprocess.Popen[str]], None]] = {
    "dbt": Refresh.kill_dbt,
    "backend": Refresh.kill_backend,
    "server": Refresh.stop_server,
    "service": Refresh.stop_service,
}
