"""The steps of scripts/quickstart after the installation: database, schema, model service, photos, dbt, search.

Every step says what it does and how long it took. A failure names the step, the cause and the way out.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from scripts.common.errors import UserError, exit_status
from scripts.common.paths import CHECKOUT, state_home
from scripts.common.programs import run_shown
from scripts.programs import demo_photos
from scripts.programs import load_photos as loader
from scripts.programs.gallery import contact_sheet
from scripts.programs.gallery.results import Result, Search
from scripts.programs.local_postgres.server import LocalPostgres
from scripts.programs.quickstart import photo_mirror
from scripts.programs.quickstart.models import register_models

DEMO_QUERIES = ["a cat", "a cup of coffee", "a rocket launch"]
FOLDER_QUERIES = ["a person", "food on a plate", "a car on a road"]
RESULTS = 5


@contextlib.contextmanager
def step(title: str) -> Iterator[None]:
    """Announce a step, and say how long it took or why it failed."""
    print(f"\n{title}", flush=True)
    started = time.monotonic()
    try:
        yield
    except (UserError, OSError) as error:
        lines = "\n".join(f"  {line}" for line in str(error).splitlines())
        sys.exit(
            f"\nThis step failed: {title}\n{lines}\n"
            "The steps before it are done; run scripts/quickstart again to go on."
        )
    except psycopg.Error as error:
        hint = f"\n  {error.diag.message_hint}" if error.diag.message_hint else ""
        said = error.diag.message_primary or str(error).strip()
        sys.exit(f"\nThis step failed: {title}\n  The database said: {said}{hint}")
    print(f"  done in {time.monotonic() - started:.1f} s", flush=True)


def say(line: str) -> None:
    """Print a line below the current step."""
    if line.strip():
        print(f"  {line}", flush=True)


def run(command: list[str], cwd: Path, way_out: str) -> None:
    """Run a program of ours, its output indented below the step.

    Raises:
        UserError: it failed; ``way_out`` is what to do then.
    """
    code, _ = run_shown(command, say, cwd=cwd, env=os.environ | {"PYTHONUNBUFFERED": "1"})
    if code != 0:
        raise UserError(f"`{' '.join(Path(part).name for part in command)}` ended with exit code {code}.\n{way_out}")


def start_database() -> bool:
    """Use the server that PGHOST names, or start the embedded one and point libpq's variables at it.

    Returns whether it is the embedded one.
    """
    if os.environ.get("PGHOST"):
        say(f"PGHOST is set: using the server at {os.environ['PGHOST']}, not the embedded one")
        return False
    os.environ.update(LocalPostgres(state_home(), say=say).start())
    say(f"running on {os.environ['PGHOST']}, port {os.environ['PGPORT']}; its data is in {state_home()}")
    return True


def load_photos(connection: psycopg.Connection[Any], folder: Path | None, embedded: bool) -> str:
    """Put the photos' paths into the staging table, let the server read them, and return a heading for them."""
    demo = state_home() / "photos"
    original = folder or demo
    if folder is None:
        demo_photos.fetch(demo)
        folder = demo
        say(f"the demonstration's own photos, in {demo}")
    else:
        gone = connection.execute(
            "delete from polarlens.image_paths where starts_with(path, %s)", [f"{demo}/"]
        ).rowcount
        if gone > 0:
            say(f"{gone} photos of the demonstration make way")
        if embedded:
            folder = photo_mirror.readable_folder(folder, state_home(), say)
    connection.execute("select polar_ai.ai_allow(%s, 'photos loaded by scripts/quickstart')", [f"file://{folder}"])
    loaded = loader.load(connection, folder)
    if loaded.found == 0:
        raise UserError(f"There is no photo below {folder}.\nName a folder that has some.")
    say(f"{loaded.found} photos: {loaded.added} added, {loaded.changed} changed, {loaded.removed} removed")
    return f"{loaded.found} photos of {'the demonstration' if folder == demo else original.name}"


def check_embedded(connection: psycopg.Connection[Any]) -> None:
    """Fail where nothing can be found, with the first cause."""
    count = connection.execute("select count(*) as n from search_internal.image_embeddings").fetchone()
    if count and count["n"] > 0:
        return
    first = connection.execute("select message from polarlens.embedding_errors limit 1").fetchone()
    cause = first["message"] if first else "no error was recorded"
    raise UserError(
        f"No photo could be embedded. For example: {cause}\n"
        "If the server is on another machine, it cannot read this one's files: load URLs that it can reach."
    )


def search(connection: psycopg.Connection[Any], title: str, sql: str, query_image: str | None = None) -> Search:
    """Run one search as plain SQL, print the statement and its result, and return it for the contact sheet."""
    print(f"\n  {sql}")
    rows = connection.execute(sql.encode()).fetchall()
    print(f"\n    {'rank':>4}  {'score':>6}  path")
    for row in rows:
        print(f"    {row['rank']:>4}  {row['score']:>6.3f}  {row['path']}")
    results = [Result(row["rank"], row["path"], row["score"]) for row in rows]
    return Search(title=title, sql=sql, results=results, query_image=query_image)


def search_sql(function: str, query: str) -> str:
    """Return the statement that calls a search function, as a person would write it."""
    literal = "'" + query.replace("'", "''") + "'"
    return f"select rank, score, path from search.{function}({literal}, k => {RESULTS});"


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="scripts/quickstart",
        description="From nothing to searching photos by text and by image in PostgreSQL.",
    )
    parser.add_argument(
        "folder",
        nargs="?",
        type=Path,
        metavar="FOLDER_OF_PHOTOS",
        help="any depth, any format that Pillow reads",
    )
    parser.add_argument("--query", action="append", metavar="TEXT", help="what to search for (again for more)")
    parser.add_argument(
        "--model", choices=("auto", "clip", "starter"), default="auto", help="the local CLIP service's model"
    )
    arguments = parser.parse_args()
    if arguments.folder is not None and not arguments.folder.is_dir():
        parser.error(f"{arguments.folder} is not a folder")
    return arguments


def main() -> int:
    """Run every step."""
    arguments = parse()
    started = time.monotonic()
    python = sys.executable
    # dbt and Alembic are run as a user runs them: programs of the environment, in their folders.
    bin_folder = Path(python).parent

    with step("Starting PostgreSQL"):
        embedded = start_database()
    with step("Installing the schema and functions: alembic upgrade head"):
        run([str(bin_folder / "alembic"), "upgrade", "head"], CHECKOUT, "Its output above says why.")
    with step("Starting the CLIP service"):
        run(
            [str(CHECKOUT / "scripts" / "clip_service"), "start", "--model", arguments.model],
            CHECKOUT,
            "`scripts/clip_service run` shows it at work in the foreground.",
        )
        service = json.loads((state_home() / "clip_service.json").read_text("utf-8"))

    with psycopg.connect(autocommit=True, row_factory=dict_row) as connection:
        with step("Registering the models: polar_ai.ai_createmodel"):
            register_models(connection, service, say)
        with step("Loading the photos' paths into the staging table polarlens.image_paths"):
            heading = load_photos(connection, arguments.folder.resolve() if arguments.folder else None, embedded)
        with step("Embedding what is new or changed: dbt run"):
            dbt = [str(bin_folder / "dbt"), "--no-use-colors", "run"]
            run(
                dbt,
                CHECKOUT / "dbt_project",
                "What was embedded before that is kept. The cause is in dbt's output above.",
            )
            check_embedded(connection)

        with step("Searching: by text, and by image"):
            queries = arguments.query or (FOLDER_QUERIES if arguments.folder else DEMO_QUERIES)
            searches = [search(connection, query, search_sql("search_images", query)) for query in queries]
            best = searches[0].results[0].path
            key = connection.execute("select image_id from search.photos where path = %s", [best]).fetchone()
            assert key is not None
            like = f"select rank, score, path from search.search_images_like({key['image_id']}, k => {RESULTS});"
            searches.append(search(connection, f"like {Path(best).name}", like, query_image=best))
        with step("Drawing the contact sheet"):
            page, picture = contact_sheet.write(
                searches,
                state_home() / "contact_sheet",
                heading=heading,
                model=service["model"],
            )

    print(f"""
Everything ran in {time.monotonic() - started:.0f} s. Try next:

  scripts/gallery --serve                            # a page to search in, and to drop a photo on
  eval "$(scripts/local_postgres.py env)"            # point dbt, Alembic and your programs at this server
  scripts/local_postgres.py psql -c "select * from search.search_images('a red motorcycle', k => 3)"
  scripts/quickstart ~/Pictures --query "a birthday cake"
  scripts/load_photos FOLDER && (cd dbt_project && dbt run)

The contact sheet:
  {page}
  {picture}""")
    return 0


if __name__ == "__main__":
    sys.exit(exit_status(main))
