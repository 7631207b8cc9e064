"""Load the paths of a folder's photos into the staging table polarlens.image_paths. No bytes are read.

A photo's version is its size and time of change, so that a changed file is embedded again. A file that is gone from
the folder loses its row. The database is the one of PGHOST, PGPORT, PGUSER, PGPASSWORD and PGDATABASE.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from PIL import Image
from psycopg.rows import tuple_row

from scripts.common.database import connected
from scripts.common.errors import UserError, exit_status


@dataclass(frozen=True)
class Loaded:
    """What one load changed."""

    found: int
    added: int
    changed: int
    removed: int


def photos_below(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield (path, version) of every file below ``folder`` whose name has the ending of a format that Pillow reads.

    Hidden folders are left out, and links to folders are not followed. A name that is not Unicode cannot be stored in
    the database: it is reported and left out.
    """
    Image.init()
    suffixes = {suffix for suffix, name in Image.registered_extensions().items() if name in Image.OPEN}
    for where, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(where, name)
            if path.suffix.lower() not in suffixes or name.startswith("."):
                continue
            try:
                str(path).encode()
                status = path.stat()
            except UnicodeEncodeError:
                print(f"  left out {os.fsencode(path)!r}: its name is not Unicode", file=sys.stderr)
                continue
            except OSError as error:
                print(f"  left out {path}: {error.strerror}", file=sys.stderr)
                continue
            yield str(path), f"{status.st_size}-{status.st_mtime_ns}"


def load(connection: psycopg.Connection[Any], folder: Path) -> Loaded:
    """Make polarlens.image_paths equal to the photos below ``folder``, in one transaction.

    Rows of other folders are left alone.
    """
    root = str(folder).rstrip("/") + "/"
    with connection.transaction(), connection.cursor(row_factory=tuple_row) as cursor:
        cursor.execute("create temporary table found (path text primary key, source_version text) on commit drop")
        with cursor.copy("copy found (path, source_version) from stdin") as copy:
            for photo in photos_below(folder):
                copy.write_row(photo)
        cursor.execute(
            """
            -- The comparisons are selects of their own: Citus changes no table by the rows of a local one.
            with listed as materialized (
                select f.path, f.source_version from found as f
            ),

            gone as materialized (
                select i.path from polarlens.image_paths as i where starts_with(i.path, %s)
                except
                select f.path from listed as f
            ),

            new as materialized (
                select f.path, f.source_version
                from listed as f
                where f.path in (select f.path from listed as f except select i.path from polarlens.image_paths as i)
            ),

            removed as (
                delete from polarlens.image_paths as i using gone as g where i.path = g.path
                returning 1
            ),

            changed as (
                update polarlens.image_paths as i
                set source_version = f.source_version
                from listed as f
                where f.path = i.path and f.source_version is distinct from i.source_version
                returning 1
            ),

            added as (
                insert into polarlens.image_paths (path, source_version)
                select n.path, n.source_version from new as n order by n.path
                returning 1
            )

            select
                (select count(*) from listed), (select count(*) from added),
                (select count(*) from changed), (select count(*) from removed)
            """,
            [root],
        )
        row = cursor.fetchone()
    assert row is not None
    return Loaded(*row)


def main() -> int:
    """Load the folder named on the command line."""
    parser = argparse.ArgumentParser(
        prog="scripts/load_photos", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="any depth, any format that Pillow reads")
    folder: Path = parser.parse_args().folder.absolute()
    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder.")
    with connected() as connection:
        try:
            loaded = load(connection, folder)
        except psycopg.errors.UndefinedTable as error:
            raise UserError(
                "The staging table polarlens.image_paths does not exist: run `alembic upgrade head` first."
            ) from error
    changes = f"{loaded.added} added, {loaded.changed} changed, {loaded.removed} removed"
    print(f"{loaded.found} photos below {folder}: {changes}")
    print(f"The database may read them after: select polar_ai.ai_allow('file://{folder}');")
    return 0


if __name__ == "__main__":
    sys.exit(exit_status(main))
