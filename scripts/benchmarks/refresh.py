"""How near `dbt run` comes to the speed of the model, beside other ways to do the same.

    scripts/bench refresh [--service stand-in|local] [--per-second 300 1000 3000] [--images 1000 …] [--arms abcde]

(a) an ideal client that posts ready-made batches from memory, (b) dbt run, (c) the article's row-at-a-time UPDATE,
(d) a good engineer's script, (e) pixeltable's embedding index: on the same photos, service and machine, in one run.
Ratios to (a) come first. Rates are of the embedding itself; how long dbt takes to start and HNSW to be built is
told apart. The stand-in (scripts/benchmarks/stand_in.py) stands for a GPU of a set speed; `local` is the real
local model. Writes a table, and JSON with --json FILE.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import requests

from scripts.benchmarks.photos import photos
from scripts.benchmarks.usage import watched
from scripts.common.paths import CHECKOUT, state_home
from scripts.programs.local_postgres.server import LocalPostgres

DATABASE = "bench_refresh"
# Row at a time is slow: its rate is taken from this many rows, and at least from none of the rest.
ROWS_AT_A_TIME = 200
MODEL = "embedding/clip_image"

ARTICLE = """
create or replace function public.clip_image_embedding_in(model text, image_path text) returns jsonb
language plpgsql as $$
begin
    return jsonb_build_object('data', jsonb_build_array(jsonb_build_object('blob', polar_ai.ai_imageasbase64(
        polar_ai.ai_resizeimage(polar_ai.ai_loadfile(image_path), 336, 336), false
    ))));
end
$$;

create or replace function public.clip_embedding_out(model_id text, response_json jsonb) returns jsonb
language sql immutable as $$ select response_json -> 'data' -> 0 -> 'embedding' $$;

create or replace function public.clip_image_embedding(text text) returns float4[]
language sql as $$
    select array(select json_array_elements_text(polar_ai.ai_callmodel('embedding/article', $1)::json))::float4[]
$$;

create table public.images (id bigint, url text, embedding vector);
"""


class Bench:
    """A database of its own on the local server, with the photos staged."""

    def __init__(self, folder: Path) -> None:
        """Start the server where it does not run."""
        self.folder = folder
        self.server = LocalPostgres(state_home())
        self.env = {**self.server.start(), "PGDATABASE": DATABASE}
        self.postmaster = int((self.server.cluster.data / "postmaster.pid").read_text().split()[0])

    def connect(self, database: str = DATABASE) -> psycopg.Connection[Any]:
        """Connect as the owner, in autocommit mode."""
        return psycopg.connect(
            host=self.env["PGHOST"],
            port=self.env["PGPORT"],
            user=self.env["PGUSER"],
            password=self.env["PGPASSWORD"],
            dbname=database,
            autocommit=True,
        )

    def fresh(self, url: str, paths: list[str], dimension: int) -> None:
        """Make the database anew: the models registered, the photos staged, nothing embedded."""
        with self.connect("postgres") as connection:
            connection.execute(f"drop database if exists {DATABASE} with (force)")
            connection.execute(f"create database {DATABASE}")
        self.run(["-m", "alembic", "upgrade", "head"], CHECKOUT)
        with self.connect() as connection:
            for kind in ("text", "image"):
                config = json.dumps({"author_type": "token", "token": "", "input": kind, "dimension": dimension})
                connection.execute(
                    "select polar_ai.ai_createmodel(%s, %s, 'clip-as-service', 'embedding', 'clip', %s)",
                    [f"embedding/clip_{kind}", url, config],
                )
            connection.execute(ARTICLE.encode())
            connection.execute(
                "select polar_ai.ai_createmodel('embedding/article', %s, 'other', 'embedding', 'clip',"
                """ '{"author_type": "token", "token": ""}', null,"""
                " 'public.clip_image_embedding_in'::regproc, 'public.clip_embedding_out'::regproc)",
                [url],
            )
            connection.execute("select polar_ai.ai_allow(%s)", [f"file://{self.folder}"])
            with connection.cursor() as cursor, cursor.copy("copy polarlens.image_paths (path) from stdin") as copy:
                for path in paths:
                    copy.write_row((path,))
            connection.execute("vacuum analyze polarlens.image_paths")

    def run(self, arguments: list[str], cwd: Path, **more: str) -> str:
        """Run a Python program with the database's variables and return what it printed."""
        done = subprocess.run(
            [sys.executable, "-P", *arguments],
            cwd=cwd,
            env={**os.environ, **self.env, "PYTHONPATH": str(CHECKOUT), **more},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            sys.exit(f"{' '.join(arguments[:4])} failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
        return done.stdout

    def dbt(self, *arguments: str) -> str:
        """Run dbt from a target folder of its own."""
        target = str(self.folder / "dbt-target")
        program = ["-m", "dbt.cli.main", "--no-use-colors", *arguments]
        return self.run(program, CHECKOUT / "dbt_project", DBT_TARGET_PATH=target, DBT_LOG_PATH=target)


@contextlib.contextmanager
def stand_in(per_second: float, dimension: int) -> Iterator[str]:
    """Run the stand-in and yield its URL."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-P", "-m", "scripts.benchmarks.stand_in"),
            *("--per-second", str(per_second), "--dimension", str(dimension)),
        ],
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}/post"
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def local_model(name: str) -> Iterator[str]:
    """Run the local CLIP service and yield its URL; leave it running where it ran before."""
    program = [str(CHECKOUT / "scripts" / "clip_service")]
    ran = subprocess.run([*program, "status"], capture_output=True, check=False).returncode == 0
    subprocess.run([*program, "start", "--model", name], check=True, stdout=sys.stderr)
    try:
        url = subprocess.run([*program, "url"], capture_output=True, text=True, check=True).stdout.strip()
        yield url if url.endswith("/post") else url.rstrip("/") + "/post"
    finally:
        if not ran:
            subprocess.run([*program, "stop"], check=True, stdout=sys.stderr)


def asked(url: str, path: str, body: bytes | None = None) -> dict[str, Any]:
    """Ask the stand-in about itself; nothing from a real service."""
    with contextlib.suppress(requests.RequestException):
        method = "GET" if body is None else "POST"
        answer: dict[str, Any] = requests.request(method, url.replace("/post", path), timeout=10).json()
        return answer
    return {}


def ideal(bench: Bench, url: str, paths: list[str]) -> dict[str, Any]:
    """(a): the best of several numbers of requests in flight."""
    best: dict[str, Any] = {"per_second": 0.0}
    short = min(len(paths), 2000)
    for in_flight in (1, 4, 16):
        arguments = [url, str(short), str(in_flight), *paths[:256]]
        got = json.loads(bench.run(["-m", "scripts.benchmarks.ideal", *arguments], CHECKOUT))
        if got["per_second"] > best["per_second"]:
            best = {**got, "in_flight": in_flight}
    return best


def refresh(bench: Bench, url: str, paths: list[str]) -> dict[str, Any]:
    """(b): dbt run, on a database with nothing embedded."""
    began = time.perf_counter()
    output = bench.dbt("run", "--select", "+image_embeddings")
    wall = time.perf_counter() - began
    progress = re.findall(r"(\d+) of (\d+), ([\d.]+)/s", output)
    built = re.search(r"the HNSW index is built, in (\d+):(\d+):(\d+)", output)
    with bench.connect() as connection:
        count = connection.execute("select count(*) from search.image_embeddings").fetchone()
    assert count == (len(paths),), f"{count} embedded of {len(paths)}:\n{output}"
    return {
        "items": len(paths),
        "per_second": float(progress[-1][2]),
        "wall_seconds": wall,
        "index_seconds": sum(int(part) * unit for part, unit in zip(built.groups(), (3600, 60, 1), strict=True))
        if built
        else None,
        "log": [line for line in output.splitlines() if "image_embeddings:" in line],
    }


def update_row_by_row(bench: Bench, url: str, paths: list[str]) -> dict[str, Any]:
    """(c): UPDATE images SET embedding = clip_image_embedding(url), on so many rows as show its rate."""
    rows = min(ROWS_AT_A_TIME, len(paths))
    with bench.connect() as connection:
        connection.execute("truncate public.images")
        with connection.cursor() as cursor:
            cursor.executemany("insert into public.images values (%s, %s)", list(enumerate(paths[:rows])))
        connection.execute("set polar.ai.http_timeout_msec = 100000")
        began = time.perf_counter()
        connection.execute("update public.images set embedding = public.clip_image_embedding(url)::vector")
        seconds = time.perf_counter() - began
    return {"items": rows, "seconds": seconds, "per_second": rows / seconds}


def script(bench: Bench, url: str, paths: list[str]) -> dict[str, Any]:
    """(d): a good engineer's script."""
    got: dict[str, Any] = json.loads(bench.run(["-m", "scripts.benchmarks.engineers_script", url], CHECKOUT))
    return got


def pixeltable(bench: Bench, url: str, paths: list[str]) -> dict[str, Any]:
    """(e): pixeltable, in an environment and a store of its own."""
    home = state_home() / "pixeltable"
    python = home / "bin" / "python"
    if not python.exists():
        print("Installing pixeltable into an environment of its own", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", home], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "pixeltable"], check=True)
    store = bench.folder / "pixeltable"
    shutil.rmtree(store, ignore_errors=True)
    listed = bench.folder / "paths.json"
    listed.write_text(json.dumps(paths))
    done = subprocess.run(
        [python, "-c", "import pixeltable_arm; pixeltable_arm.main()", url, listed],
        env={**os.environ, "PIXELTABLE_HOME": str(store), "PYTHONPATH": str(CHECKOUT / "scripts" / "benchmarks")},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        return {"failed": (done.stderr or done.stdout).strip().splitlines()[-1]}
    got: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return got


ARMS = {"a": ideal, "b": refresh, "c": update_row_by_row, "d": script, "e": pixeltable}
NAMES = {
    "a": "ideal client",
    "b": "dbt run",
    "c": "row-at-a-time UPDATE",
    "d": "engineer's script",
    "e": "pixeltable",
}


def measure(bench: Bench, label: str, url: str, paths: list[str], arms: str) -> list[dict[str, Any]]:
    """Run the arms one after the other and return a row of the table for each."""
    rows: list[dict[str, Any]] = []
    top = 0.0
    for arm in arms:
        if arm != "a":
            bench.fresh(url, paths, asked(url, "/info").get("dimension", 512))
        if arm == "b":
            # As a user's second run of the day: the project is parsed already.
            bench.dbt("parse")
        asked(url, "/reset", b"")
        with watched({"client": os.getpid(), "database": bench.postmaster}) as usage:
            got = ARMS[arm](bench, url, paths)
        top = got["per_second"] if arm == "a" else top
        row = {"service": label, "images": len(paths), "arm": arm, "name": NAMES[arm], **got}
        row["ratio"] = got["per_second"] / top if top and "per_second" in got else None
        row["service_says"] = asked(url, "/stats")
        row["cores"] = {name: round(value, 2) for name, value in usage.cores.items()}
        row["peak_mb"] = {name: round(value) for name, value in usage.peak_mb.items()}
        rows.append(row)
        print(line(row), flush=True)
    return rows


def line(row: dict[str, Any]) -> str:
    """Return one line of the table."""
    ratio = f"{row['ratio']:.2f}" if row.get("ratio") else "-"
    rate = f"{row['per_second']:.1f}/s" if "per_second" in row else row.get("failed", "")[:60]
    cores = " + ".join(f"{value:.2f} {name}" for name, value in row["cores"].items())
    memory = " + ".join(f"{value} {name}" for name, value in row["peak_mb"].items())
    return (
        f"{ratio:>5}  ({row['arm']}) {row['name']:<21} {row['service']:<16} {row['images']:>7}  {rate:>9}"
        f"   cores {cores}   MB {memory}"
    )


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        prog="scripts/bench refresh", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--service", choices=["stand-in", "local"], default="stand-in")
    parser.add_argument("--model", default="auto", help="of the local service: auto, clip or starter")
    parser.add_argument("--per-second", type=float, nargs="+", default=[300, 1000, 3000])
    parser.add_argument("--images", type=int, nargs="+", default=[1000])
    parser.add_argument("--size", default="640x480", help="of the photos, in pixels")
    parser.add_argument("--arms", default="abcde")
    parser.add_argument("--json", type=Path, help="write everything that was measured to this file")
    given = parser.parse_args()
    width, height = (int(side) for side in given.size.split("x"))
    folder = state_home() / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    bench = Bench(folder)
    rows: list[dict[str, Any]] = []
    for images in given.images:
        paths = photos(folder / "photos", images, (width, height))
        if given.service == "local":
            with local_model(given.model) as url:
                rows += measure(bench, f"local {given.model}", url, paths, given.arms)
        else:
            for per_second in given.per_second:
                with stand_in(per_second, 512) as url:
                    rows += measure(bench, f"stand-in {per_second:g}/s", url, paths, given.arms)
        if given.json:
            given.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
