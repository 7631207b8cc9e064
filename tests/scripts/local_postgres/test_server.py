"""A running embedded server: what it is like to use."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import psycopg
import pytest

from scripts.programs.local_postgres.server import LocalPostgres
from tests.support.database import connect


def value(server: LocalPostgres, query: str) -> object:
    with connect(server.env()) as connection:
        row = connection.execute(query).fetchone()
        assert row is not None
        return row[0]


def python(server: LocalPostgres, expression: str) -> str:
    with connect(server.env()) as connection, connection.transaction(force_rollback=True):
        connection.execute("create extension if not exists plpython3u")
        connection.execute(f"""
            create function tried() returns text language plpython3u as $$
                import os, sys
                return str({expression})
            $$""")
        row = connection.execute("select tried()").fetchone()
        assert row is not None
        return str(row[0])


def test_keeps_data_safe(server: LocalPostgres) -> None:
    assert value(server, "show fsync") == "on"
    assert value(server, "show full_page_writes") == "on"
    assert value(server, "show data_checksums") == "on"


def test_version_and_locale(server: LocalPostgres) -> None:
    assert str(value(server, "show server_version")).startswith("18")
    assert value(server, "show server_encoding") == "UTF8"
    locale = "select datlocprovider::text || datlocale from pg_database where datname = current_database()"
    assert value(server, locale) == "bC.UTF-8"


def test_settings_file_is_understood(server: LocalPostgres) -> None:
    assert value(server, "select count(*) from pg_file_settings where error is not null") == 0
    assert value(server, "show jit") == "off"


def test_listens_on_loopback_only(server: LocalPostgres) -> None:
    port = int(server.env()["PGPORT"])
    listening = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:] if Path(table).exists() else []:
            fields = line.split()
            address, _, its_port = fields[1].rpartition(":")
            if int(its_port, 16) == port and fields[3] == "0A":
                listening.add(socket.inet_ntoa(bytes.fromhex(address)[::-1]))
    assert listening == {"127.0.0.1"}


def test_password_is_required(server: LocalPostgres) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connect(server.env(), password="postgres")
    assert server.cluster.password_file.stat().st_mode & 0o777 == 0o600
    assert len(server.cluster.password()) >= 32


def test_pgvector_works(server: LocalPostgres) -> None:
    with connect(server.env()) as connection, connection.transaction(force_rollback=True):
        connection.execute("create extension if not exists vector")
        row = connection.execute("select '[1,0]'::vector <=> '[0,1]'::vector").fetchone()
        assert row == (1.0,)


def test_plpython_sees_its_packages(server: LocalPostgres, programs: Path) -> None:
    seen = python(server, "[__import__(n).__file__ for n in ('PIL', 'urllib3', 'opendal', 'ssl')]")
    assert seen.count(str(programs)) == 4


def test_plpython_reads_file_names_in_utf8(server: LocalPostgres) -> None:
    assert python(server, "sys.getfilesystemencoding()") == "utf-8"


def test_never_runs_as_root(server: LocalPostgres) -> None:
    assert python(server, "os.getuid()") != "0"


def test_server_cannot_change_its_programs(server: LocalPostgres) -> None:
    places = server.places()
    if places["pylib"].stat().st_uid == int(python(server, "os.getuid()")):
        pytest.skip("an ordinary user owns both")
    for name in ("pylib", "sharedir", "bindir"):
        assert python(server, f"os.access({str(places[name])!r}, os.W_OK)") == "False"


def test_secrets_stay_out_of_the_log(server: LocalPostgres) -> None:
    with connect(server.env()) as connection:
        connection.execute("create table kept (secret text check (secret is null))")
        for statement in (
            "select 's3cr3t-statement' from nowhere",
            "insert into kept values ('s3cr3t-row')",
            "do $$ begin execute 'select ''s3cr3t-inner'' from nowhere'; end $$",
        ):
            with pytest.raises(psycopg.Error):
                connection.execute(statement)
        connection.execute("drop table kept")
    logged = "".join(path.read_text() for path in server.log.glob("*.log"))
    assert 'relation "nowhere" does not exist' in logged
    assert "s3cr3t" not in logged


def test_second_start_is_quick_and_changes_nothing(server: LocalPostgres) -> None:
    before = server.env()
    started = time.monotonic()
    assert server.start() == before
    assert time.monotonic() - started < 1


def test_users_settings_outlive_a_restart(server: LocalPostgres) -> None:
    with connect(server.env()) as connection:
        connection.execute("alter system set work_mem = '7MB'")
    server.stop()
    server.start()
    assert value(server, "show work_mem") == "7MB"


def test_only_named_variables_reach_the_server(server: LocalPostgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUD_KEY", "mine")
    monkeypatch.setenv("MODEL_TOKEN", "handed over")
    monkeypatch.setenv("POLARLENS_SERVER_ENV", "MODEL_TOKEN, UNSET_NAME, PYTHONHOME")
    said: list[str] = []
    server.stop()
    LocalPostgres(server.home, server.programs, said.append).start()
    assert python(server, "os.environ.get('CLOUD_KEY')") == "None"
    assert python(server, "os.environ['MODEL_TOKEN']") == "handed over"
    assert any("UNSET_NAME" in line for line in said)
    assert any("PYTHONHOME" in line for line in said)
