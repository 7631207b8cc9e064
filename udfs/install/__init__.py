"""The SQL that makes the database's functions equal to the files under udfs/.

The runtime's Python travels inside the SQL, so an upgrade needs no access to the server's files.
"""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path

from udfs.providers import PROVIDERS

HERE = Path(__file__).resolve().parent.parent


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
        functions = [file.read_text("utf-8") for file in files.values()]
        return [script("drop_internals", "polarlens"), *functions, script("grants", "polarlens")]
    values = {"runtime": runtime_key(), "providers": ", ".join(sorted(PROVIDERS))}
    functions = [
        _fill(file.read_text("utf-8"), **values)
        for folder in ("internal", "polar_ai", "refresh")
        for file in _files(folder)
    ]
    # Grants, rows and aliases need every function.
    last = [script(name) for name in ("grants", "built_in_models", "ganos_ai")]
    return [script("drop_internals"), _loader(), *functions, *last]


def script(name: str, schemas: str = "polar_ai, polarlens") -> str:
    """Return a script of install/; ``schemas`` are the ones whose functions are ours."""
    return _fill(_read(f"install/{name}.sql"), schemas=f"{{{schemas}}}")


def version() -> str:
    """Return the project's version."""
    project = tomllib.loads(_read("../pyproject.toml"))["project"]
    return str(project["version"])


def code_hash(scripts: list[str] | None = None) -> str:
    """Return the hash of everything that statements(), or these scripts, install."""
    return hashlib.sha256("\0".join(scripts or statements()).encode()).hexdigest()


def _loader() -> str:
    """Return the function that carries the runtime's Python."""
    modules = "\n".join(_as_literal(name, source) for name, source in python_modules().items())
    # Modules come last: their sources may contain what looks like a placeholder.
    text = _fill(
        _read("install/load_runtime.sql"),
        runtime=runtime_key(),
        importer=_read("runtime/importer.py"),
        modules=modules,
    )
    if text.count("$polarlens$") != 2:
        raise ValueError("a runtime module contains the dollar quote of the function it travels in")
    return text


def _as_literal(name: str, source: str) -> str:
    """Return a dictionary entry that stays readable line by line in the function's body."""
    lines = "\n".join(f"    {line!r}" for line in source.splitlines(keepends=True)) or "    ''"
    return f"{name!r}: (\n{lines}\n),"


def _files(folder: str) -> list[Path]:
    """Return the SQL files of a folder of udfs/."""
    return sorted((HERE / folder).glob("*.sql"))


def _read(path: str) -> str:
    return (HERE / path).read_text("utf-8")


def _fill(sql: str, **values: str) -> str:
    """Return ``sql`` with a value in the place of each @name@."""
    for name, value in values.items():
        sql = sql.replace(f"@{name}@", value)
    return sql
