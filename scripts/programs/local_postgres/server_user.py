"""Which user the server runs as: never root, which PostgreSQL refuses."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from scripts.common.errors import UserError

SYSTEM_USER = "polarlens"


@dataclass(frozen=True)
class ServerUser:
    """The user that the server's processes run as."""

    name: str
    uid: int
    gid: int

    @property
    def is_us(self) -> bool:
        """Whether this process already runs as that user."""
        return self.uid == os.geteuid()

    def run(
        self, command: list[str], env: Mapping[str, str], cwd: Path, pass_fds: Iterable[int] = ()
    ) -> subprocess.CompletedProcess[str]:
        """Run a program as this user and return its output, whatever its exit code."""
        return subprocess.run(
            command,
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
            pass_fds=tuple(pass_fds),
            user=None if self.is_us else self.uid,
            group=None if self.is_us else self.gid,
            extra_groups=None if self.is_us else [],
        )

    def own(self, path: Path) -> None:
        """Give one file or folder to this user."""
        if not self.is_us:
            os.chown(path, self.uid, self.gid)

    def check_reaches(self, folder: Path) -> None:
        """Make sure that this user may enter ``folder``.

        Raises:
            UserError: a folder on the way is closed to that user.
        """
        if self.is_us:
            return
        for step in reversed([folder, *folder.parents]):
            # Asked of the kernel rather than worked out from mode bits: groups and ACLs count too.
            if self.run(["test", "-x", str(step)], {"PATH": os.defpath}, Path("/")).returncode != 0:
                raise UserError(
                    f"The database server runs as the unprivileged user {self.name}, "
                    f"who cannot enter {step}.\n"
                    f"Open it with `chmod o+x {step}`, or name another folder with POLARLENS_HOME."
                )


def choose(data: Path, say: Callable[[str], None]) -> ServerUser:
    """Return the user to run the server as; for root, create a system user if there is none.

    An ordinary user runs the server as himself. A server that has data keeps to the owner of its data.

    Raises:
        UserError: the data belong to another user, or there is no unprivileged user to take.
    """
    owner = data.stat().st_uid if data.exists() else None
    us = os.geteuid()
    if us == 0:
        if owner:
            return _with_id(owner, data.stat().st_gid)
        return _existing(SYSTEM_USER) or _created(say) or _nobody(say)
    if owner not in (None, us):
        raise UserError(
            f"{data} belongs to user id {owner}, not to you.\n"
            "Run this as that user or as root, or name another folder with POLARLENS_HOME."
        )
    return _with_id(us, os.getegid())


def _with_id(uid: int, gid: int) -> ServerUser:
    try:
        return ServerUser(pwd.getpwuid(uid).pw_name, uid, pwd.getpwuid(uid).pw_gid)
    except KeyError:  # a container started under a bare number
        return ServerUser(str(uid), uid, gid)


def _existing(name: str) -> ServerUser | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return ServerUser(name, entry.pw_uid, entry.pw_gid)


def _created(say: Callable[[str], None]) -> ServerUser | None:
    if shutil.which("useradd") is None:
        return None
    options = ["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    ran = subprocess.run(
        ["useradd", *options, "--shell", "/usr/sbin/nologin", SYSTEM_USER], capture_output=True, check=False
    )
    # Looked up rather than taken from the exit code: another start may have created it meanwhile.
    user = _existing(SYSTEM_USER)
    if user and ran.returncode == 0:
        say(f"Created the system user {SYSTEM_USER}: PostgreSQL refuses to run as root.")
    return user


def _nobody(say: Callable[[str], None]) -> ServerUser:
    user = _existing("nobody")
    if user is None or user.uid == 0:
        raise UserError(
            "PostgreSQL refuses to run as root, and no unprivileged user could be created.\n"
            f"Create a system user called {SYSTEM_USER}, or run this as an ordinary user."
        )
    say(f"Could not create the system user {SYSTEM_USER}: the server runs as nobody.")
    return user
