"""The ways to embed photos that the refresh benchmark compares; each returns its figures."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from typing import Any

from scripts.common.paths import state_home
from scripts.programs.bench import database
from scripts.programs.bench.peers import compare

# The rate of one row at a time is taken from so many rows, as it is slow.
ROWS_AT_A_TIME = 200
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
ARTICLE_MODEL = """
select polar_ai.ai_createmodel(
    'embedding/article', %s, 'other', 'embedding', 'clip', '{"author_type": "token", "token": ""}', null,
    'public.clip_image_embedding_in'::regproc, 'public.clip_embedding_out'::regproc
)
"""


def create_database(url: str, paths: list[str], dimension: int) -> None:
    """Create the database: models registered, photos staged, nothing embedded."""
    database.create()
    database.register_models(url, dimension)
    with database.connect() as connection:
        connection.execute(ARTICLE.encode())
        connection.execute(ARTICLE_MODEL.encode(), [url])
        connection.execute("select polar_ai.ai_allow(%s)", [f"file://{state_home()}/bench"])
        with connection.cursor() as cursor, cursor.copy("copy polarlens.image_paths (path) from stdin") as copy:
            for path in paths:
                copy.write_row((path,))
        connection.execute("vacuum analyze polarlens.image_paths")


def ideal(url: str, paths: list[str]) -> dict[str, Any]:
    """(a): the best of several numbers of requests in flight."""
    count = str(min(len(paths), 2000))

    def post(in_flight: int) -> dict[str, Any]:
        return program("ideal", url, count, str(in_flight), *paths[:256]) | {"in_flight": in_flight}

    return max(map(post, (1, 4, 16)), key=lambda figures: float(figures["per_second"]))


def dbt_run(url: str, paths: list[str]) -> dict[str, Any]:
    """(b): dbt run, on a database with nothing embedded."""
    began = time.perf_counter()
    output = database.dbt("run", "--select", "+image_embeddings")
    wall = time.perf_counter() - began
    with database.connect() as connection:
        count = connection.execute("select count(*) from search_internal.image_embeddings").fetchone()
    assert count == (len(paths),), f"{count} embedded of {len(paths)}:\n{output}"
    rates = re.findall(r"\d+ of \d+, ([\d.]+)/s", output)
    built = re.search(r"the HNSW index is built, in (\d+):(\d+):(\d+)", output)
    return {
        "items": len(paths),
        "per_second": float(rates[-1]),
        "wall_seconds": wall,
        "index_seconds": int(built[1]) * 3600 + int(built[2]) * 60 + int(built[3]) if built else None,
        "log": [line for line in output.splitlines() if "image_embeddings:" in line],
    }


def update_row_by_row(url: str, paths: list[str]) -> dict[str, Any]:
    """(c): UPDATE images SET embedding = clip_image_embedding(url), on so many rows as show its rate."""
    rows = min(ROWS_AT_A_TIME, len(paths))
    with database.connect() as connection:
        with connection.cursor() as cursor:
            cursor.executemany("insert into public.images values (%s, %s)", list(enumerate(paths[:rows])))
        connection.execute("set polar.ai.http_timeout_msec = 100000")
        began = time.perf_counter()
        connection.execute("update public.images set embedding = public.clip_image_embedding(url)::vector")
        seconds = time.perf_counter() - began
    return {"items": rows, "seconds": seconds, "per_second": rows / seconds}


def script(url: str, paths: list[str]) -> dict[str, Any]:
    """(d): a good engineer's script."""
    return program("engineers_script", url)


def pixeltable(url: str, paths: list[str]) -> dict[str, Any]:
    """(e): pixeltable, in an environment and a store of its own."""
    folder = state_home() / "bench" / "pixeltable"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "paths.json").write_text(json.dumps(paths))
    try:
        return compare.measure("pixeltable", "refresh", str(folder), url)
    except subprocess.CalledProcessError as error:
        return {"failed": compare.reason(error).splitlines()[-1]}


def program(name: str, *arguments: str) -> dict[str, Any]:
    """Run one of the benchmark's own programs and return its figures."""
    figures: dict[str, Any] = json.loads(database.run(f"scripts.programs.bench.{name}", *arguments))
    return figures
