"""The SQL that makes the database's functions equal to the files of this folder.

The runtime's Python travels inside the SQL, so an upgrade needs no access to the server's files.
"""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path

from udfs.providers import PROVIDERS

HERE = Path(__file__).resolve().parent.parent

LOADER = """\
create or replace function polar_ai._load_runtime() returns void
language plpython3u
set search_path to pg_catalog, pg_temp
as $polarlens$
# Written by udfs/install from udfs/runtime/ and udfs/providers/: change the files there, not this function.
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


def statements(native: bool = False) -> list[str]:
    """Return the SQL scripts that install everything, in the order they must run.

    With ``native``, return what is installed beside PolarDB's own extension polar_ai: all that dbt needs.
    """
    if native:
        # Files in polardb/ take the place of files of the same name in refresh/.
        files = {file.name: file for folder in ("refresh", "polardb") for file in _files(folder)}
        scripts = [_install("drop_internals"), *files.values(), _install("grants")]
        return [_filled(script, "polarlens") for script in scripts]
    scripts = [
        *(file for folder in ("internal", "polar_ai", "refresh") for file in _files(folder)),
        # These need every function.
        *(_install(name) for name in ("grants", "built_in_models", "ganos_ai")),
    ]
    first = _filled(_install("drop_internals"))
    return [first, _loader(), *(_filled(file) for file in scripts)]


def version() -> str:
    """Return the project's version."""
    project = tomllib.loads((HERE.parent / "pyproject.toml").read_text("utf-8"))["project"]
    return str(project["version"])


def code_hash(scripts: list[str] | None = None) -> str:
    """Return the hash of everything that statements(), or these scripts, install."""
    return hashlib.sha256("\0".join(scripts or statements()).encode()).hexdigest()


def _files(folder: str) -> list[Path]:
    """Return the SQL files of a folder of udfs/."""
    return sorted((HERE / folder).glob("*.sql"))


def _install(name: str) -> Path:
    return HERE / "install" / f"{name}.sql"


def _filled(file: Path, schemas: str = "polar_ai, polarlens") -> str:
    """Return a file's SQL with its placeholders filled in; ``schemas`` are the ones whose functions are ours."""
    values = {"runtime": runtime_key(), "providers": ", ".join(sorted(PROVIDERS)), "schemas": f"{{{schemas}}}"}
    sql = file.read_text("utf-8")
    for name, value in values.items():
        sql = sql.replace(f"@{name}@", value)
    return sql


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
