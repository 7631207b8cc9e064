"""What a machine may lack while the server is prepared."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from scripts.common.errors import UserError, explain
from scripts.programs.local_postgres import packages, python_home, server_user
from scripts.programs.local_postgres.server import LocalPostgres
from scripts.programs.local_postgres.server_user import ServerUser


def quiet(line: str) -> None:
    """Say nothing."""


def test_no_shared_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(python_home, "_interpreters", lambda version: ["/bin/false", "/no/such/python"])
    with pytest.raises(UserError, match=r"(?s)libpython3\.11.*apt-get install"):
        python_home.copy_python(tmp_path, "3.11", quiet)


def test_pip_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    lock = os.open(tmp_path / "lock", os.O_CREAT)
    with pytest.raises(UserError, match=r"(?s)pip could not install Pillow.*network"):
        packages.install_packages(tmp_path, "3.11", lock, quiet)
    os.close(lock)
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]


def test_packages_follow_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = packages.requirements()
    assert [name for name in packages.NAMES if not any(part.startswith(name) for part in wanted)] == []
    now = packages.folder_name("3.11")
    assert packages.is_current(now)
    monkeypatch.setattr(packages, "requirements", lambda: [*wanted, "another"])
    assert not packages.is_current(now)


def test_installed_packages_are_noted(programs: Path) -> None:
    noted = (programs / packages.folder_name("3.11") / "installed.txt").read_text()
    assert "pillow-" in noted and "opendal-" in noted


def test_no_system_user_can_be_created(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = ServerUser("nobody", 65534, 65534)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr("shutil.which", lambda program: None)
    monkeypatch.setattr(server_user, "_existing", lambda name: nobody if name == "nobody" else None)
    said: list[str] = []
    assert server_user.choose(tmp_path / "none", said.append) == nobody
    assert "nobody" in said[0]


def test_full_disk_is_said_plainly(tmp_path: Path) -> None:
    error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "some-file")
    assert "no space left on the disk" in str(explain("unpacking", error, tmp_path))


def test_home_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="Not a directory"):
        LocalPostgres(tmp_path / "file").start()
