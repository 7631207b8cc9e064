"""Thumbnails for search results, each from the fastest source that has it.

Files of this machine are read. Anything else (object storage, the web, another machine's files) comes from the
thumbnails that `dbt run` keeps. Where there is none yet, the database makes one for roles that may ask it to, or this
machine fetches the photo itself.
"""

from __future__ import annotations

from collections.abc import Mapping

import psycopg
from PIL import Image

from scripts.common.database import is_local
from scripts.programs.gallery.database import Connection
from scripts.programs.gallery.photos import Loaded, PhotoError, decode, load_all
from udfs.runtime import images
from udfs.runtime.errors import PolarAIError
from udfs.runtime.paths import in_location

SIDE = 720
Photos = Mapping[str, int | None]
"""Paths of photos, each with its key in the database if it is known."""

MAY_READ = "select has_table_privilege(to_regclass('search.thumbnails'), 'select') as allowed"
STORED = "select image_id, data_url, error_message from search.thumbnails where image_id = any(%s)"
# Asks the catalog: merely naming a function of a schema is an error for roles that may not use the schema.
MAY_MAKE = """
select exists (
    select
    from pg_catalog.pg_proc as p
    inner join pg_catalog.pg_namespace as n on p.pronamespace = n.oid
    where n.nspname = 'polar_ai' and p.proname = 'ai_thumbnail'
        and pg_catalog.has_schema_privilege(n.oid, 'usage') and pg_catalog.has_function_privilege(p.oid, 'execute')
) as allowed
"""


def load(connection: Connection, photos: Photos) -> dict[str, Loaded]:
    """Load every photo, or the reason why it cannot be shown."""
    loaded: dict[str, Loaded] = {}
    for source in (from_files, from_table, from_database, from_web):
        missing = {path: key for path, key in photos.items() if not isinstance(loaded.get(path), Image.Image)}
        if missing:
            loaded |= source(connection, missing)
    return {path: loaded.get(path, "No thumbnail yet") for path in photos}


def from_files(connection: Connection, photos: Photos) -> dict[str, Loaded]:
    """Read the files of this machine if the database is on it as well."""
    return load_all(path for path in photos if is_file(path)) if is_local(connection.info) else {}


def from_table(connection: Connection, photos: Photos) -> dict[str, Loaded]:
    """Read what `dbt run` has made."""
    paths = {key: path for path, key in photos.items() if key is not None}
    if not paths or not is_allowed(connection, MAY_READ):
        return {}
    rows = connection.execute(STORED, [list(paths)]).fetchall()
    return {paths[row["image_id"]]: stored_thumbnail(row["data_url"], row["error_message"]) for row in rows}


def stored_thumbnail(data_url: str | None, reason: str | None) -> Loaded:
    """Return the picture in a data URL, or the reason why there is none."""
    if not data_url:
        return reason or "Cannot be read"
    try:
        return decode(images.from_base64(data_url))
    except (PolarAIError, PhotoError):
        return "Damaged thumbnail"


def from_database(connection: Connection, photos: Photos) -> dict[str, Loaded]:
    """Let the database make them, if it may be asked to: some photos only the database reaches."""
    if not is_allowed(connection, MAY_MAKE):
        return {}
    return {path: made_thumbnail(connection, path) for path in photos}


def made_thumbnail(connection: Connection, path: str) -> Loaded:
    """Return the picture that the database makes of one photo, or the reason why it does not."""
    try:
        row = connection.execute("select polar_ai.ai_thumbnail(%s, %s) as jpeg", [path, SIDE]).fetchone()
        return decode(row["jpeg"]) if row and row["jpeg"] else "Cannot be read"
    except (psycopg.Error, PhotoError) as error:
        reason = error.diag.message_primary if isinstance(error, psycopg.Error) else str(error)
        # The caption has the path already, and a tile has little room.
        return (reason or "Cannot be read").replace(path, "it")


def from_web(connection: Connection, photos: Photos) -> dict[str, Loaded]:
    """Download what is on the web, and look for another machine's files where they may be shared."""
    local = is_local(connection.info)
    return load_all(path for path in photos if "://" in path or (is_file(path) and not local))


def is_file(path: str) -> bool:
    """Tell whether a path names a file, and nothing on the web or in a location."""
    return path.lower().startswith("file://") or ("://" not in path and in_location(path) is None)


def is_allowed(connection: Connection, question: str) -> bool:
    """Ask the database about a privilege."""
    row = connection.execute(question.encode()).fetchone()
    return bool(row and row["allowed"])
