"""polar_ai as an extension of the embedded server: `create extension polar_ai` instead of `alembic upgrade head`.

Its script is what Alembic prints in --sql mode: the same files, and no second copy of anything.
"""

from __future__ import annotations

import hashlib
import importlib.util
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

from scripts.common.errors import UserError, indented
from scripts.common.files import write_whole
from scripts.common.paths import CHECKOUT

NAME = "polar_ai"
CONTROL = """\
# The script was made from {digest}.
comment = 'Models callable from SQL: a registry and functions compatible with POLAR_AI'
default_version = '{version}'
requires = 'vector, plpython3u'
relocatable = false
superuser = true
"""
# What the migrations leave to whoever owns the database is configuration to pg_dump: it has to be dumped.
CONFIGURATION = """
do $$
declare
    v_table regclass;
begin
    for v_table in
        select c.oid
        from pg_class as c
        where c.relkind = 'r' and c.relnamespace in ('polar_ai'::regnamespace, 'polarlens'::regnamespace)
    loop
        perform pg_catalog.pg_extension_config_dump(v_table, '');
    end loop;
end
$$;
"""


def offer_extension(share: Path, say: Callable[[str], None]) -> None:
    """Put the extension's files below the server's ``share`` folder, unless they are there and current.

    Without Alembic in this interpreter the server does without: `alembic upgrade head` installs the same.

    Raises:
        UserError: the script could not be made.
    """
    if importlib.util.find_spec("alembic.config") is None:
        say("The extension polar_ai is not offered: this Python has no Alembic to make it with.")
        return
    version = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    control = CONTROL.format(digest=_digest(), version=version)
    folder = share / "extension"
    file = folder / f"{NAME}.control"
    if file.exists() and file.read_text("utf-8") == control:
        return
    write_whole(folder / f"{NAME}--{version}.sql", _script(), 0o644)
    write_whole(file, control, 0o644)


def _digest() -> str:
    digest = hashlib.sha256()
    sources = (path for folder in ("alembic", "udfs") for path in (CHECKOUT / folder).rglob("*"))
    for path in sorted(path for path in sources if path.suffix in (".py", ".sql")):
        digest.update(f"{path.relative_to(CHECKOUT)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def _script() -> str:
    made = subprocess.run(
        [sys.executable, "-m", "alembic", "upgrade", "head", "--sql"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode != 0:
        last = indented(made.stdout + made.stderr, 5)
        raise UserError(f"Alembic could not write the extension {NAME} from the migrations:\n{last}")
    # An extension's script is one transaction by itself.
    lines = [line for line in made.stdout.splitlines() if line not in ("BEGIN;", "COMMIT;")]
    return "\n".join(["set local polarlens.creating_extension = 'on';", *lines, CONFIGURATION])
