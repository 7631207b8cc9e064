"""Starting, stopping, dying and recovering."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scripts.common.errors import UserError
from scripts.common.paths import CHECKOUT
from scripts.programs.local_postgres.server import LocalPostgres
from tests.support.database import connect


def test_stop_and_start_keep_port_and_data(server: LocalPostgres) -> None:
    before = server.env()
    with connect(before) as connection:
        connection.execute("create table stays as select 1 as one")
    assert server.stop()
    assert server.running() is None
    assert not server.stop()
    with pytest.raises(UserError, match="not running"):
        server.env()
    assert server.start() == before
    with connect(before) as connection:
        assert connection.execute("select one from stays").fetchone() == (1,)
        connection.execute("drop table stays")


def test_recovers_after_being_killed(server: LocalPostgres) -> None:
    with connect(server.env()) as connection:
        connection.execute("create table committed as select 1 as one")
    process = server.running()
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    while server.running():
        time.sleep(0.01)
    with connect(server.start()) as connection:
        assert connection.execute("select one from committed").fetchone() == (1,)
        connection.execute("drop table committed")


def test_pid_file_with_somebody_elses_number(server: LocalPostgres) -> None:
    """After a reboot another process may have the server's number."""
    server.stop()
    stale = server.cluster.data / "postmaster.pid"
    port = server.cluster.remembered_port()
    stale.write_text(f"{os.getpid()}\n{server.cluster.data}\n1\n{port}\n\n127.0.0.1\n\nready   \n")
    owner = server.cluster.data.stat()
    os.chown(stale, owner.st_uid, owner.st_gid)
    assert server.running() is None
    with connect(server.start()) as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_taken_port_is_given_up(server: LocalPostgres) -> None:
    port = int(server.env()["PGPORT"])
    server.stop()
    with socket.create_server(("127.0.0.1", port)):
        assert int(server.start()["PGPORT"]) != port


def test_port_taken_in_the_last_moment(server: LocalPostgres, monkeypatch: pytest.MonkeyPatch) -> None:
    port = int(server.env()["PGPORT"])
    server.stop()
    with socket.create_server(("127.0.0.1", port)):
        monkeypatch.setattr("scripts.common.service.is_free", lambda *address: True)
        assert int(server.start()["PGPORT"]) != port


def test_failure_shows_the_cause(server: LocalPostgres) -> None:
    server.stop()
    alter = server.cluster.data / "postgresql.auto.conf"
    before = alter.read_text()
    alter.write_text("shared_preload_libraries = 'no_such_library'\n")
    with pytest.raises(UserError, match="no_such_library") as raised:
        server.start()
    assert str(server.log) in str(raised.value)
    alter.write_text(before)
    server.start()


def test_half_made_cluster_is_made_again(fresh: LocalPostgres) -> None:
    half = fresh.home / "cluster.unfinished" / "data"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    with connect(fresh.start()) as connection:
        assert connection.execute("select current_database()").fetchone() == ("polarlens",)
    assert not half.exists()
    assert fresh.running()
    fresh.destroy()
    assert fresh.running() is None
    assert not fresh.cluster.folder.exists()
    assert not fresh.log.exists()


def test_half_unpacked_programs_are_unpacked_again(open_folder: Path, programs: Path) -> None:
    name = next(programs.glob("postgresql-*")).name
    mine = open_folder / "half"
    half = mine / f"{name}.unfinished"
    half.mkdir(parents=True)
    (half / "bin").mkdir()
    for other in programs.glob("py*-*"):  # only the unpacking is of interest here
        (mine / other.name).symlink_to(other)
    places = LocalPostgres(open_folder / "half-home", programs=mine).places()
    assert (places["bindir"] / "postgres").is_file()
    assert not half.exists()


def test_two_starts_at_once(fresh: LocalPostgres) -> None:
    fresh.home.mkdir()
    (fresh.home / "programs").symlink_to(fresh.programs)
    command = [sys.executable, str(CHECKOUT / "scripts" / "local_postgres.py"), "start"]
    env = os.environ | {"POLARLENS_HOME": str(fresh.home)}
    both = [
        subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for _ in range(2)
    ]
    said = [process.communicate(timeout=60)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert f"port {fresh.env()['PGPORT']}" in said[0]
    assert f"port {fresh.env()['PGPORT']}" in said[1]


def test_data_of_another_major_version(server: LocalPostgres) -> None:
    server.stop()
    file = server.cluster.data / "PG_VERSION"
    file.write_text("17\n")
    with pytest.raises(UserError, match=r"made by PostgreSQL 17.*carries 18"):
        server.start()
    file.write_text("18\n")
    server.start()
