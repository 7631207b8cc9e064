"""The found photos as small pictures, each from where it is had soonest.

A file of this machine is read. Anything else (object storage, the web, another machine's files) is shown from the small
pictures that `dbt run` keeps; where there is none yet, the database makes one for who may ask it to, or this machine
fetches the photo itself.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping

import psycopg
from PIL import Image

from scripts.contact_sheet.photos import Loaded, PhotoError, decode, load_all
from scripts.gallery_page.database import Connection, is_here
from udfs.runtime.paths import in_location

SIDE = 720
Photos = Mapping[str, int | None]
"""Where each photo is, and its key in the database if it is known."""

MAY_READ = "select has_table_privilege(to_regclass('search.thumbnails'), 'select') as may"
STORED = "select image_id, data_url, error_message from search.thumbnails where image_id = any(%s)"
# By the catalog: merely naming a function of a schema that one may not use is an error.
MAY_ASK = """
select exists (
    select
    from pg_catalog.pg_proc as p
    inner join pg_catalog.pg_namespace as n on p.pronamespace = n.oid
    where n.nspname = 'polar_ai' and p.proname = 'ai_thumbnail'
        and pg_catalog.has_schema_privilege(n.oid, 'usage') and pg_catalog.has_function_privilege(p.oid, 'execute')
) as may
"""


def load(connection: Connection, photos: Photos) -> dict[str, Loaded]:
    """Load every photo, or the reason why it cannot be shown."""
    loaded: dict[str, Loaded] = {}
    for source in (read, stored, made, fetched):
        missing = {path: key for path, key in photos.items() if not isinstance(loaded.get(path), Image.Image)}
        if missing:
            loaded |= source(connection, missing)
    return {path: loaded.get(path, "No thumbnail yet") for path in photos}


def read(connection: Connection, photos: Photos) -> dict[str, Loaded]:
    """Read the files of this machine, where the database's are the same."""
    return load_all(path for path in photos if is_file(path)) if is_here(connection) else {}


def stored(connection: Connection, photos: Photos) -> dict[str, Loaded]:
    """Take what `dbt run` has made."""
    paths = {key: path for path, key in photos.items() if key is not None}
    if not paths or not allowed(connection, MAY_READ):
        return {}
    rows = connection.execute(STORED, [list(paths)]).fetchall()
    return {paths[row["image_id"]]: picture(row["data_url"], row["error_message"]) for row in rows}


def picture(data_url: str | None, reason: str | None) -> Loaded:
    """Return the picture in a data: URL."""
    try:
        content = base64.b64decode((data_url or "").partition(",")[2])
        return decode(io.BytesIO(content)) if content else reason or "Cannot be read"
    except (ValueError, PhotoError):
        return "Damaged thumbnail"


def made(connection: Connection, photos: Photos) -> dict[str, Loaded]:
    """Have the database make them, where one may: it alone reaches some."""
    return {path: asked(connection, path) for path in photos} if allowed(connection, MAY_ASK) else {}


def asked(connection: Connection, path: str) -> Loaded:
    """Have the database make one small picture."""
    try:
        row = connection.execute("select polar_ai.ai_thumbnail(%s, %s) as jpeg", [path, SIDE]).fetchone()
        return decode(io.BytesIO(row["jpeg"])) if row and row["jpeg"] else "Cannot be read"
    except (psycopg.Error, PhotoError) as error:
        said = error.diag.message_primary if isinstance(error, psycopg.Error) else str(error)
        # The caption has the path; what is too long for a tile is cut by the page.
        return (said or "Cannot be read").replace(path, "it")


def fetched(connection: Connection, photos: Photos) -> dict[str, Loaded]:
    """Download what is on the web, and look for another machine's files where they may be shared."""
    here = is_here(connection)
    return load_all(path for path in photos if "://" in path or (is_file(path) and not here))


def is_file(path: str) -> bool:
    """Tell whether a path names a file, and nothing on the web or in a location."""
    return path.lower().startswith("file://") or ("://" not in path and in_location(path) is None)


def allowed(connection: Connection, question: str) -> bool:
    """Ask the database whether one may."""
    row = connection.execute(question.encode()).fetchone()
    return bool(row and row["may"])
