"""The database cluster: its data folder and its password, made together or not at all."""

from __future__ import annotations

import locale
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from scripts.common.errors import UserError, indented
from scripts.common.files import new_folder, write_whole
from scripts.programs.local_postgres.server_user import ServerUser

SUPERUSER = "postgres"
SETTINGS_FILE = "polarlens.conf"


@dataclass(frozen=True)
class Cluster:
    """The files of one database cluster."""

    folder: Path

    @property
    def data(self) -> Path:
        """PostgreSQL's data folder."""
        return self.folder / "data"

    @property
    def password_file(self) -> Path:
        """The superuser's password, readable by our user only."""
        return self.folder / "password"

    @property
    def port_file(self) -> Path:
        """The port of the last start."""
        return self.folder / "port"

    @property
    def version_file(self) -> Path:
        """The version of PostgreSQL that was started last."""
        return self.folder / "version"

    @property
    def prepared_file(self) -> Path:
        """There once the database is created and PL/Python seen to work; names the programs it used."""
        return self.folder / "prepared"

    def version(self) -> str | None:
        """Return the version of PostgreSQL that was started last, if any was."""
        return _read(self.version_file) or None

    def prepared_with(self) -> list[str]:
        """Return the names of the programs that PL/Python was last seen to work with."""
        return _read(self.prepared_file).split()

    def password(self) -> str:
        """Return the superuser's password."""
        return self.password_file.read_text("utf-8").strip()

    def remembered_port(self) -> int | None:
        """Return the port of the last start, if there was one."""
        port = _read(self.port_file)
        return int(port) if port.isdigit() else None


def _read(file: Path) -> str:
    """Return a file's text; none if there is no file."""
    try:
        return file.read_text("utf-8").strip()
    except FileNotFoundError:
        return ""


def create_cluster(
    cluster: Cluster,
    postgres: Path,
    user: ServerUser,
    env: Mapping[str, str],
    lock: int,
    say: Callable[[str], None],
) -> None:
    """Run initdb unless the cluster is there.

    Raises:
        UserError: initdb failed.
    """
    if cluster.folder.is_dir():
        return
    say("Creating the database cluster ...")
    with new_folder(cluster.folder) as unfinished:
        new = Cluster(unfinished)
        write_whole(new.password_file, secrets.token_urlsafe(24) + "\n")
        new.data.mkdir(mode=0o700)
        user.own(new.data)
        # initdb reads the password as the server's user, who must not own the file that stays.
        password = unfinished / "initdb-password"
        write_whole(password, new.password())
        user.own(password)
        options = {
            "--pgdata": str(new.data),
            "--username": SUPERUSER,
            "--pwfile": str(password),
            "--auth": "scram-sha-256",
            "--encoding": "UTF8",
            # Sorts the same on every machine, whatever its own locales are.
            "--locale-provider": "builtin",
            "--builtin-locale": "C.UTF-8",
            "--locale": "C",
            # PL/Python takes the encoding of file names from this one.
            "--lc-ctype": _character_type(),
        }
        command = [str(postgres / "bin" / "initdb"), "--data-checksums"]
        command += [f"{name}={value}" for name, value in options.items()]
        ran = user.run(command, env, cwd=unfinished, pass_fds=(lock,))
        if ran.returncode != 0:
            raise UserError(
                f"initdb could not create the database cluster in {cluster.folder}:\n{indented(ran.stdout)}\n"
                "Put that right and start again."
            )
        password.unlink()
        with (new.data / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.write(f"\ninclude '{SETTINGS_FILE}'  # written anew at every start\n")


def _character_type() -> str:
    """Return a locale that encodes characters in UTF-8, or C where the system has none."""
    before = locale.setlocale(locale.LC_CTYPE)
    try:
        return locale.setlocale(locale.LC_CTYPE, "C.UTF-8")
    except locale.Error:
        return "C"
    finally:
        locale.setlocale(locale.LC_CTYPE, before)


def write_settings(cluster: Cluster, user: ServerUser, settings: Mapping[str, str]) -> None:
    """Write the settings that the next start reads; ALTER SYSTEM still goes before them."""
    lines = ["# Written at every start of the server; change settings with ALTER SYSTEM instead.\n"]
    for name, value in settings.items():
        quoted = value.replace("'", "''")
        lines.append(f"{name} = '{quoted}'\n")
    path = cluster.data / SETTINGS_FILE
    write_whole(path, "".join(lines))
    user.own(path)
