"""The SQL that makes the database's functions equal to the files of this folder.

The runtime's Python travels inside the SQL, so an upgrade needs no access to the server's files.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from udfs.providers import PROVIDERS

HERE = Path(__file__).resolve().parent

LOADER = """\
create or replace function polar_ai._load_runtime() returns void
language plpython3u
set search_path to pg_catalog, pg_temp
as $polarlens$
# Written by udfs/install.py from udfs/runtime/ and udfs/providers/: change the files there, not this function.
MODULES = {{
{modules}
}}
{importer}
try:
    GD["{key}"] = load("{package}", MODULES)
except ImportError as error:
    plpy.error(
        "polar_ai cannot run: the database server's Python lacks a package (%s)" % error,
        hint="Install Pillow, urllib3 (2 or newer) and certifi for the Python that PL/Python uses.",
        sqlstate="58P01",
    )
$polarlens$;

comment on function polar_ai._load_runtime() is
'Loads the Python runtime {key} into this session, once. Called by the other functions as they need it.';

revoke all on function polar_ai._load_runtime() from public;
grant execute on function polar_ai._load_runtime() to polar_ai_user, polar_ai_admin;
"""


def python_modules() -> dict[str, str]:
    """Return the source of every module that runs inside the database, by dotted name."""
    files = sorted(file for part in ("runtime", "providers") for file in (HERE / part).rglob("*.py"))
    return {
        ".".join(file.relative_to(HERE).with_suffix("").parts).removesuffix(".__init__"): file.read_text("utf-8")
        for file in files
        if file.name != "importer.py"
    }


def runtime_key() -> str:
    """Return the key under which a session keeps this version of the runtime."""
    digest = hashlib.sha256()
    for name, source in python_modules().items():
        digest.update(f"{name}\0{source}\0".encode())
    return f"polar_ai_{digest.hexdigest()[:12]}"


def statements() -> list[str]:
    """Return the SQL scripts in the order they have to run: the runtime, then one for each file."""
    # after/ holds what needs every function to be there: rows and aliases.
    files = [*sorted((HERE / "polar_ai").glob("*.sql")), *sorted((HERE / "after").glob("*.sql"))]
    return [_loader(), *(_filled(file.read_text("utf-8")) for file in files)]


# Written in SQL alone: in the schema polarlens they serve beside PolarDB's own extension as well.
SHARED = ("_embedding_error", "_fingerprints", "_index_progress", "_raise", "_swap_table", "refresh_status")


def native_statements() -> list[str]:
    """Return what is installed beside PolarDB's own extension polar_ai: all that dbt needs, without PL/Python."""
    shared = [
        (HERE / "polar_ai" / f"{name}.sql").read_text("utf-8").replace("polar_ai.", "polarlens.") for name in SHARED
    ]
    return [*shared, *(file.read_text("utf-8") for file in sorted((HERE / "native").glob("*.sql")))]


def code_hash(scripts: list[str] | None = None) -> str:
    """Return the hash of everything that statements(), or these scripts, install."""
    return hashlib.sha256("\0".join(scripts or statements()).encode()).hexdigest()


def _filled(sql: str) -> str:
    """Return a file's SQL with its placeholders filled in."""
    return sql.replace("@runtime@", runtime_key()).replace("@providers@", ", ".join(sorted(PROVIDERS)))


def _loader() -> str:
    key = runtime_key()
    modules = "\n".join(_as_literal(name, source) for name, source in python_modules().items())
    importer = (HERE / "runtime" / "importer.py").read_text("utf-8")
    text = LOADER.format(modules=modules, importer=importer, key=key, package=key)
    if text.count("$polarlens$") != 2:
        raise ValueError("a runtime module contains the dollar quote of the function it travels in")
    return text


def _as_literal(name: str, source: str) -> str:
    """Return a dictionary entry that stays readable line by line in the function's body."""
    lines = "\n".join(f"    {line!r}" for line in source.splitlines(keepends=True)) or "    ''"
    return f"{name!r}: (\n{lines}\n),"
