"""The database of the search benchmark: the project as users install it, filled with made-up vectors."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from scripts.benchmarks.vectors import Vectors, load_embeddings
from scripts.common.paths import CHECKOUT, state_home
from scripts.programs.local_postgres.server import LocalPostgres

NAME = "polarlens_bench_search"
CITIES = 10
INDEX = "search.image_embeddings__hnsw"
# As `dbt run` builds it.
OPTIONS = "with (m='16', ef_construction='128')"
BUILD_INDEX = f"""
    create index image_embeddings__hnsw on search.image_embeddings using hnsw (embedding halfvec_cosine_ops) {OPTIONS}
"""


def recreate() -> dict[str, str]:
    """Start the checkout's server, make the benchmark's database anew, and return libpq's variables for it."""
    server = LocalPostgres(state_home(), say=print).start()
    with connect(server) as maintenance:
        maintenance.execute(f"drop database if exists {NAME} with (force)")
        maintenance.execute(f"create database {NAME}")
    env = {**server, "PGDATABASE": NAME}
    run(env, "alembic", "upgrade", "head", cwd=CHECKOUT)
    return env


def existing(count: int) -> dict[str, str]:
    """Return libpq's variables for the database that an earlier run left; end the program where there is none."""
    env = {**LocalPostgres(state_home(), say=print).start(), "PGDATABASE": NAME}
    try:
        with connect(env) as connection:
            row = connection.execute("select count(*) from search.image_embeddings").fetchone()
            # A server that was started since has read nothing yet.
            connection.execute(
                "select pg_prewarm('search.image_embeddings__hnsw'), pg_prewarm('search.image_embeddings')"
            )
    except psycopg.Error as error:
        sys.exit(f"There is no database to reuse ({error}): run it once with --keep.")
    if row != (count,):
        sys.exit(
            f"The database that was kept has {row[0] if row else 0} vectors, not {count}: run it once with --keep."
        )
    return env


def drop(env: dict[str, str]) -> None:
    """Delete the benchmark's database."""
    with connect({**env, "PGDATABASE": "postgres"}) as maintenance:
        maintenance.execute(f"drop database if exists {NAME} with (force)")


def connect(env: dict[str, str]) -> psycopg.Connection[Any]:
    """Connect, in autocommit mode."""
    names = {"PGHOST": "host", "PGPORT": "port", "PGUSER": "user", "PGPASSWORD": "password", "PGDATABASE": "dbname"}
    return psycopg.connect(**{names[name]: value for name, value in env.items()}, autocommit=True)  # type: ignore[arg-type]


def run(env: dict[str, str], program: str, *arguments: str, cwd: Path) -> None:
    """Run one of the virtual environment's programs on the database."""
    done = subprocess.run(
        [str(Path(sys.executable).parent / program), *arguments],
        cwd=cwd,
        env={**os.environ, **env, "DBT_TARGET_PATH": str(state_home() / "benchmarks" / "dbt")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(done.stdout)


@contextlib.contextmanager
def text_model(vectors: Vectors) -> Iterator[str]:
    """Serve clip-as-service's contract on loopback, at no cost of its own: the text "17 …" has the 17th vector."""
    bodies = [json.dumps(vector.tolist()) for vector in vectors]

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # the end of an answer does not wait until its beginning is acknowledged

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            embeddings = [bodies[int(item["text"].split()[0]) % len(bodies)] for item in request["data"]]
            data = ",".join(f'{{"embedding":{embedding}}}' for embedding in embeddings)
            body = f'{{"header":{{"status":null}},"data":[{data}]}}'.encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            self.wfile.flush()

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/post"
    server.shutdown()


def install(env: dict[str, str], url: str, dimension: int) -> None:
    """Register the model and let `dbt run` build the search."""
    with connect(env) as connection:
        for kind in ("text", "image"):
            connection.execute(
                "select polar_ai.ai_createmodel(%s, %s, 'clip-as-service', 'embedding', 'benchmark', %s)",
                [f"embedding/clip_{kind}", url, json.dumps({"input": kind, "dimension": dimension})],
            )
    run(env, "dbt", "run", cwd=CHECKOUT / "dbt_project")


def move_model(env: dict[str, str], url: str) -> None:
    """Have the models of a kept database answer at another address."""
    with connect(env) as connection:
        connection.execute("update polar_ai.models set model_url = %s", [url])


def fill(connection: psycopg.Connection[Any], vectors: Vectors) -> dict[str, float]:
    """Load the vectors and build the index on them; return its build seconds and megabytes."""
    load(connection, vectors)
    return build(connection, INDEX, BUILD_INDEX)


def load(connection: psycopg.Connection[Any], vectors: Vectors) -> None:
    """Load the vectors as photos taken a minute apart, in the place of what was there, without an index."""
    connection.execute(f"drop index if exists {INDEX}")
    connection.execute("truncate search.image_embeddings; truncate polarlens.image_paths restart identity")
    connection.execute(
        sql.SQL(
            """
            insert into polarlens.image_paths (path, taken_at, attributes)
            select
                '/photos/' || n || '.jpg', timestamptz '2000-01-01' + n * interval '1 minute',
                jsonb_build_object('city', n % {cities})
            from generate_series(1, {count}) as n
            """
        ).format(count=len(vectors), cities=CITIES)
    )
    load_embeddings(connection, sql.SQL("search.image_embeddings"), vectors)
    connection.execute("analyze polarlens.image_paths; analyze search.image_embeddings")


def build(connection: psycopg.Connection[Any], name: str, statement: str, memory: str = "1800MB") -> dict[str, float]:
    """Build an index as the refresh does, with so much memory; return its seconds and megabytes."""
    connection.execute(f"set maintenance_work_mem = '{memory}'".encode())
    started = time.perf_counter()
    connection.execute(statement.encode())
    seconds = time.perf_counter() - started
    # A build leaves its pages to the operating system: the first searches would fetch them one by one.
    connection.execute("create extension if not exists pg_prewarm")
    connection.execute("select pg_prewarm(%s::regclass)", [name])
    row = connection.execute("select pg_relation_size(%s::regclass) / 1048576.0", [name]).fetchone()
    assert row is not None
    return {"build_seconds": round(seconds, 1), "megabytes": round(float(row[0]), 1)}
