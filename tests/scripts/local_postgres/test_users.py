"""The whole program, cold, as root with a closed checkout and as an ordinary user."""

from __future__ import annotations

import os
import pwd
import shlex
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from scripts.common.errors import UserError
from scripts.programs.local_postgres.server import LocalPostgres
from tests.scripts.local_postgres.environment import copy_of_checkout, small_env
from tests.support.database import connect

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can take another user's place")


def run(
    python: str, checkout: Path, env: dict[str, str], *arguments: str, user: int | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [python, str(checkout / "scripts" / "local_postgres.py"), *arguments],
        env=env,
        cwd="/",
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=120,
        user=user,
        group=user and pwd.getpwuid(user).pw_gid,
        extra_groups=None if user is None else [],
    )


def exported(text: str) -> dict[str, str]:
    return dict(part.partition("=")[::2] for part in shlex.split(text) if part != "export")


def whole_life(python: str, checkout: Path, env: dict[str, str], user: int | None = None) -> None:
    """Start, look, stop and destroy."""
    assert run(python, checkout, env, "status", user=user).returncode == 3
    not_yet = run(python, checkout, env, "env", user=user)
    assert (not_yet.returncode, not_yet.stdout) == (3, "")
    assert "start" in not_yet.stderr
    started = run(python, checkout, env, "start", user=user)
    assert started.returncode == 0, started.stdout + started.stderr
    try:
        again = run(python, checkout, env, "start", user=user)
        assert again.returncode == 0 and "already running" in again.stdout
        status = run(python, checkout, env, "status", user=user)
        assert status.returncode == 0 and "18" in status.stdout
        printed = run(python, checkout, env, "env", user=user).stdout
        with connect(exported(printed)) as connection:
            connection.execute("create extension if not exists plpython3u")
            connection.execute("do language plpython3u 'import PIL.Image, urllib3, certifi, opendal'")
        assert run(python, checkout, env, "destroy", user=user).returncode == 1
    finally:
        assert run(python, checkout, env, "stop", user=user).returncode == 0
    assert run(python, checkout, env, "destroy", "--yes", user=user).returncode == 0


@as_root
def test_root_with_a_checkout_that_only_root_reads(open_folder: Path) -> None:
    checkout = open_folder / "closed"
    checkout.mkdir()
    copy_of_checkout(checkout)
    checkout.chmod(0o700)
    whole_life(sys.executable, checkout, small_env(POLARLENS_HOME=str(open_folder / "root-home")))


@as_root
def test_folder_that_the_server_cannot_enter(open_folder: Path) -> None:
    closed = open_folder / "closed-above"
    closed.mkdir(mode=0o700)
    with pytest.raises(UserError, match=f"cannot enter {closed}") as raised:
        LocalPostgres(closed / "home").start()
    assert "chmod" in str(raised.value)


@as_root
def test_ordinary_user(open_folder: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    home = open_folder / "ordinary"
    home.mkdir()
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
    checkout = open_folder / "open"
    checkout.mkdir()
    copy_of_checkout(checkout)
    env = small_env(HOME=str(home), PYTHONPATH=sysconfig.get_path("purelib"), PYTHONDONTWRITEBYTECODE="1")
    whole_life(interpreter_for(nobody.pw_uid, env), checkout, env, user=nobody.pw_uid)
    assert list((home / ".local" / "state" / "polarlens").iterdir())


def interpreter_for(user: int, env: dict[str, str]) -> str:
    """Find an interpreter that the user may run with our packages; this one may lie under /root."""
    for python in (sys.executable, "/usr/bin/python3"):
        try:
            asked = subprocess.run(
                [python, "-c", "import pg0, pip, psycopg"], env=env, cwd="/", user=user, capture_output=True
            )
        except OSError:
            continue
        if asked.returncode == 0:
            return python
    pytest.skip("no interpreter here that an ordinary user may run with our packages")
