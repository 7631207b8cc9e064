"""The found photos as small pictures: read on this machine where they are here, or asked of the database."""

from __future__ import annotations

import io
from collections.abc import Iterable

import psycopg

from scripts.contact_sheet.photos import Loaded, PhotoError, decode, load_all
from scripts.gallery_page.database import Connection, is_here

SIDE = 720
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


def load(connection: Connection, paths: Iterable[str]) -> dict[str, Loaded]:
    """Load every photo, or the reason why it cannot be shown.

    The database reads what it alone can: object storage, and the files of another machine. A search reader
    may not ask it to, and sees what this machine can read.
    """
    unique = list(dict.fromkeys(paths))
    row = connection.execute(MAY_ASK).fetchone()
    may_ask = bool(row and row["may"])
    loaded = load_all(unique) if is_here(connection) or not may_ask else {}
    if may_ask:
        for path in unique:
            if not loaded.get(path) or isinstance(loaded[path], str):
                loaded[path] = thumbnail(connection, path)
    return loaded


def thumbnail(connection: Connection, path: str) -> Loaded:
    """Have the database make one small picture."""
    try:
        row = connection.execute("select polar_ai.ai_thumbnail(%s, %s) as jpeg", [path, SIDE]).fetchone()
        return decode(io.BytesIO(row["jpeg"])) if row and row["jpeg"] else "Cannot be read"
    except (psycopg.Error, PhotoError) as error:
        said = error.diag.message_primary if isinstance(error, psycopg.Error) else str(error)
        # The caption has the path; what is too long for a tile is cut by the page.
        return (said or "Cannot be read").replace(path, "it")
