"""A PostgreSQL server of a test's own, made with the programs of a server that is there already."""

from __future__ import annotations

import os
import shutil
import socket
from dataclasses import dataclass
from pathlib import Path

import psycopg

from scripts.programs.local_postgres import server_user

SUPERUSER, PASSWORD = "postgres", "the-tests-own"
SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
fsync = off
max_connections = 100
"""


# In /proc, a backend's environment is gone: PostgreSQL writes the title of the process over it.
ENVIRONMENT = """
create extension if not exists plpython3u;
create function pg_temp.environment() returns jsonb language plpython3u as $$
import json, os
return json.dumps(dict(os.environ))
$$;
"""


@dataclass(frozen=True)
class Programs:
    """Where a server's programs are, and the environment that they run in."""

    bindir: Path
    libdir: Path
    env: dict[str, str]

    @classmethod
    def of(cls, conninfo: str) -> Programs | None:
        """Ask a server for its programs; return None where they are not on this machine."""
        with psycopg.connect(conninfo) as connection, connection.transaction(force_rollback=True):
            config = dict(connection.execute("select name, setting from pg_config").fetchall())
            bindir, libdir = Path(config["BINDIR"]), Path(config["LIBDIR"])
            if not (bindir / "initdb").exists():
                return None
            connection.execute(ENVIRONMENT)
            (variables,) = connection.execute("select pg_temp.environment()").fetchone() or ({},)
        kept = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PYTHONPATH", "PYTHONHOME")
        return cls(bindir, libdir, {name: variables[name] for name in kept if name in variables})


@dataclass(frozen=True)
class Cluster:
    """The files of the server."""

    data: Path


class SystemPostgres:
    """The server of one folder; what tests call of LocalPostgres they call of this."""

    def __init__(self, home: Path, programs: Programs) -> None:
        self.home, self.programs = home, programs
        self.cluster, self.log = Cluster(home / "data"), home / "log"
        self._user = server_user.choose(self.cluster.data, lambda line: None)

    def places(self) -> dict[str, Path]:
        """Return the server's folders by name."""
        own = {"data": self.cluster.data, "log": self.log}
        return {"bindir": self.programs.bindir, "libdir": self.programs.libdir, **own}

    def start(self) -> dict[str, str]:
        """Start the server, with the caller's variables that POLARLENS_SERVER_ENV names; return how to connect."""
        if not self.cluster.data.exists():
            self._create()
        handed_over = filter(None, os.environ.get("POLARLENS_SERVER_ENV", "").split(","))
        self._run(
            *("pg_ctl", "start", "--wait", "--timeout=120", f"--log={self.log / 'postgresql.log'}"),
            **{name: os.environ[name] for name in handed_over},
        )
        port = (self.cluster.data / "postmaster.pid").read_text().splitlines()[3]
        env = {"PGHOST": "127.0.0.1", "PGPORT": port, "PGUSER": SUPERUSER, "PGPASSWORD": PASSWORD}
        return {**env, "PGDATABASE": "postgres"}

    def stop(self) -> None:
        """Stop the server, ending its sessions."""
        self._run("pg_ctl", "stop", "--mode=fast", "--wait")

    def destroy(self) -> None:
        """Stop the server where it runs, and delete its data."""
        if (self.cluster.data / "postmaster.pid").exists():
            self.stop()
        shutil.rmtree(self.home, ignore_errors=True)

    def _create(self) -> None:
        for folder in (self.home, self.log):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o755)
            self._user.own(folder)
        password = self.home / "password"
        password.write_text(PASSWORD)
        options = ("--auth=scram-sha-256", f"--pwfile={password}", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")
        self._run("initdb", f"--username={SUPERUSER}", *options)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        with (self.cluster.data / "postgresql.conf").open("a") as file:
            file.write(f"{SETTINGS}port = {port}\n")

    def _run(self, program: str, *arguments: str, **env: str) -> None:
        command = [str(self.programs.bindir / program), f"--pgdata={self.cluster.data}", *arguments]
        done = self._user.run(command, {**self.programs.env, **env}, cwd=self.home)
        assert done.returncode == 0, done.stdout
