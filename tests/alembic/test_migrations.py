from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from scripts.common.paths import CHECKOUT
from tests.alembic.catalogue import catalogue
from tests.support.database import Database, connect

SCRIPTS = ScriptDirectory(str(CHECKOUT / "alembic"))
FUNCTIONS = """
select oid::regprocedure::text, xmin::text from pg_proc where pronamespace = 'polar_ai'::regnamespace order by 1
"""


def alembic_in(folder: Path, database: Database, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Alembic from ``folder``."""
    return subprocess.run(
        [str(Path(sys.executable).parent / "alembic"), *arguments],
        cwd=folder,
        env={**os.environ, **database.env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def offline(folder: Path, *arguments: str) -> str:
    """Return the script that Alembic prints, with no server to ask."""
    done = subprocess.run(
        [str(Path(sys.executable).parent / "alembic"), *arguments, "--sql"],
        cwd=folder,
        env={**os.environ, "PGHOST": "127.0.0.1", "PGPORT": "9"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def execute(db: Database, script: str) -> None:
    """Run a script of many statements, as psql would; the names in it are psql's to take or leave."""
    with db.connect() as connection:
        connection.pgconn.exec_(b"set client_min_messages to warning")
        result = connection.pgconn.exec_(script.encode())
        assert result.status in (psycopg.pq.ExecStatus.COMMAND_OK, psycopg.pq.ExecStatus.TUPLES_OK), (
            result.error_message
        )


# --- up and down -------------------------------------------------------------------------------------


def test_up_down_and_up_again_gives_the_same_and_down_leaves_nothing(empty: Database) -> None:
    before = catalogue(empty)
    empty.alembic("upgrade", "head")
    first = catalogue(empty)
    assert len(first["functions"]) > len(before["functions"]) + 15

    empty.alembic("downgrade", "base")
    assert catalogue(empty) == before
    empty.alembic("upgrade", "head")
    assert catalogue(empty) == first


def test_what_was_there_before_stays_as_it_was(empty: Database) -> None:
    empty.run("create schema extensions")
    empty.run("create extension vector schema extensions")
    empty.run("create extension plpython3u")
    empty.run("create role polar_ai_user")
    empty.run("comment on role polar_ai_user is 'ours, and older than polarlens'")
    empty.run("create role polar_ai_admin login")
    before = catalogue(empty)

    empty.alembic("upgrade", "head")
    ours = "('vector', 'plpython3u', 'polar_ai_user', 'polar_ai_admin')"
    assert empty.rows(f"select name from polarlens.created_here where name in {ours}") == []
    assert catalogue(empty)["roles"] == before["roles"]
    empty.alembic("downgrade", "base")
    assert catalogue(empty) == before


def test_each_step_down_and_up_again_ends_with_everything(empty: Database) -> None:
    empty.alembic("upgrade", "head")
    head = catalogue(empty)
    for revision in [script.revision for script in SCRIPTS.walk_revisions()][1:]:
        empty.alembic("downgrade", revision)
        empty.alembic("upgrade", "head")
        assert catalogue(empty) == head, revision


def test_a_downgrade_leaves_the_users_tables(empty: Database) -> None:
    empty.alembic("upgrade", "head")
    empty.run("create schema mine authorization polar_ai_user")
    empty.run("set role polar_ai_user")
    empty.run("create table mine.photos (id int, embedding public.vector(2))")
    empty.run("insert into mine.photos values (1, '[1,2]')")
    empty.run("reset role")

    said = empty.alembic("downgrade", "base").stdout

    assert empty.rows("select id from mine.photos") == [(1,)]
    assert "Traceback" not in said
    assert empty.value("select count(*) from pg_extension where extname = 'vector'") == 1  # in use
    assert empty.value("select count(*) from pg_roles where rolname = 'polar_ai_user'") == 0


def test_a_role_that_another_database_uses_stays(empty: Database) -> None:
    empty.alembic("upgrade", "head")
    empty.run("drop database if exists neighbour")
    empty.run("create database neighbour")
    empty.run("grant connect on database neighbour to polar_ai_user")
    empty.alembic("downgrade", "base")
    assert empty.rows("select rolname from pg_roles where rolname like 'polar\\_ai%%'") in (
        [("polar_ai_user",)],
        [],
    )
    empty.run("drop database neighbour")


# --- offline -----------------------------------------------------------------------------------------


def test_the_printed_script_does_what_the_upgrade_does(empty: Database) -> None:
    before = catalogue(empty)
    empty.alembic("upgrade", "head")
    online = catalogue(empty)
    stamp = empty.rows("select version_num, code_hash from polarlens.alembic_version, polarlens.installed_code")
    empty.alembic("downgrade", "base")

    execute(empty, offline(CHECKOUT, "upgrade", "head"))
    assert catalogue(empty) == online
    assert stamp == empty.rows("select version_num, code_hash from polarlens.alembic_version, polarlens.installed_code")
    assert empty.value("select polar_ai.ai_imagefrombase64('aGVsbG8=')") == b"hello"

    execute(empty, offline(CHECKOUT, "downgrade", "head:base"))
    assert catalogue(empty) == before


def test_a_printed_step_down_forgets_what_is_installed(empty: Database) -> None:
    empty.alembic("upgrade", "head")
    head = catalogue(empty)
    execute(empty, offline(CHECKOUT, "downgrade", "head:0005"))
    empty.alembic("upgrade", "head")
    assert catalogue(empty) == head


# --- what changes nothing ----------------------------------------------------------------------------


@pytest.mark.parametrize("command", [["current"], ["history"], ["heads"], ["show", "head"], ["branches"]])
def test_asking_changes_nothing(empty: Database, command: list[str]) -> None:
    before = catalogue(empty)
    empty.alembic(*command)
    assert catalogue(empty) == before


def test_a_second_upgrade_installs_nothing(empty: Database) -> None:
    empty.alembic("upgrade", "head")
    before = empty.rows(FUNCTIONS), catalogue(empty), empty.value("select installed_at from polarlens.installed_code")
    empty.alembic("upgrade", "head")
    empty.alembic("current")
    assert before == (
        empty.rows(FUNCTIONS),
        catalogue(empty),
        empty.value("select installed_at from polarlens.installed_code"),
    )


def test_a_changed_function_is_installed_by_the_next_upgrade(empty: Database, checkout: Path) -> None:
    assert alembic_in(checkout, empty, "upgrade", "head").returncode == 0
    before, first = empty.value("select code_hash from polarlens.installed_code"), catalogue(empty)
    body = checkout / "udfs" / "polar_ai" / "ai_dropmodel.sql"
    original = body.read_text()
    body.write_text(original.replace("return true;", "return true or false;"))

    assert alembic_in(checkout, empty, "upgrade", "head").returncode == 0
    assert "true or false" in empty.value("select prosrc from pg_proc where proname = 'ai_dropmodel'")
    assert empty.value("select code_hash from polarlens.installed_code") != before

    body.write_text(original)
    assert alembic_in(checkout, empty, "upgrade", "head").returncode == 0
    assert catalogue(empty) == first
    assert empty.value("select code_hash from polarlens.installed_code") == before


def test_a_changed_runtime_reaches_new_and_running_sessions(empty: Database, checkout: Path) -> None:
    alembic_in(checkout, empty, "upgrade", "head")
    call = "select polar_ai.ai_imagefrombase64('aGVsbG8=')"
    assert empty.value(call) == b"hello"
    source = checkout / "udfs" / "runtime" / "images.py"
    source.write_text(
        source.read_text().replace('return base64.b64decode("".join', 'return b"new " + base64.b64decode("".join')
    )
    assert alembic_in(checkout, empty, "upgrade", "head").returncode == 0
    assert empty.value(call) == b"new hello"
    with empty.connect() as other:
        assert other.execute(call.encode()).fetchone() == (b"new hello",)


def test_a_function_that_cannot_be_installed_leaves_the_old_ones(empty: Database, checkout: Path) -> None:
    alembic_in(checkout, empty, "upgrade", "head")
    before, installed = catalogue(empty), empty.rows(FUNCTIONS)
    with (checkout / "udfs" / "polar_ai" / "ai_resizeimage.sql").open("a") as file:
        file.write("select 1 / 0;\n")
    assert alembic_in(checkout, empty, "upgrade", "head").returncode != 0
    assert (catalogue(empty), empty.rows(FUNCTIONS)) == (before, installed)


def test_a_first_upgrade_that_fails_leaves_nothing(empty: Database, checkout: Path) -> None:
    before = catalogue(empty)
    with (checkout / "udfs" / "polar_ai" / "ai_resizeimage.sql").open("a") as file:
        file.write("select 1 / 0;\n")
    assert alembic_in(checkout, empty, "upgrade", "head").returncode != 0
    assert catalogue(empty) == before


def test_upgrades_at_the_same_time_wait_for_each_other(empty: Database) -> None:
    with ThreadPoolExecutor(3) as pool:
        done = list(pool.map(lambda _: empty.alembic("upgrade", "head", check=False), range(3)))
    assert [(one.returncode, one.stdout[-300:]) for one in done if one.returncode] == []


# --- the migrations themselves -----------------------------------------------------------------------


def test_there_is_one_head_and_one_base() -> None:
    assert len(SCRIPTS.get_heads()) == len(SCRIPTS.get_bases()) == 1


def test_every_migration_can_be_undone() -> None:
    for script in SCRIPTS.walk_revisions():
        names = script.module.downgrade.__code__.co_names
        assert "execute" in names or "op" in names, script.revision


def test_the_configuration_is_found_from_the_checkout() -> None:
    config = Config(toml_file=str(CHECKOUT / "pyproject.toml"))
    assert ScriptDirectory.from_config(config).get_current_head() == SCRIPTS.get_current_head()


# --- surroundings ------------------------------------------------------------------------------------


@pytest.mark.parametrize("port", ["9", "nonsense"])
def test_failing_to_connect_is_said_in_one_message(empty: Database, port: str) -> None:
    empty.env["PGPORT"] = port
    done = empty.alembic("upgrade", "head", check=False)
    assert done.returncode != 0
    assert "cannot connect to PostgreSQL" in done.stdout and "PGHOST" in done.stdout
    assert "Traceback" not in done.stdout and empty.env["PGPASSWORD"] not in done.stdout


def test_a_wrong_password_is_said_in_one_message(empty: Database) -> None:
    empty.env["PGPASSWORD"] = "wrong"
    done = empty.alembic("upgrade", "head", check=False)
    assert done.returncode != 0 and "password authentication failed" in done.stdout
    assert "Traceback" not in done.stdout


@pytest.mark.parametrize("options", ["lc_ctype 'C' lc_collate 'C'", "locale_provider builtin builtin_locale 'C.UTF-8'"])
def test_the_locale_of_the_database_does_not_matter(cluster: dict[str, str], empty: Database, options: str) -> None:
    if "builtin" in options and empty.connection.info.server_version < 170000:
        pytest.skip("PostgreSQL has a locale provider of its own since 17")
    empty.run(f"create database other_locale template template0 encoding 'UTF8' {options}")
    try:
        env = {**cluster, "PGDATABASE": "other_locale"}
        with connect(env) as connection:
            other = Database(env, connection)
            other.alembic("upgrade", "head")
            assert other.value("select obj_description('polar_ai.ai_resizeimage'::regproc)").count("×") == 1
            assert other.value("select polar_ai.ai_imagefrombase64('aGVsbG8=')") == b"hello"
            with pytest.raises(psycopg.errors.UndefinedFile, match="照片"):
                connection.execute("select polar_ai.ai_allow('file:///tmp')")
                connection.execute("select polar_ai.ai_loadfile('/tmp/照片.jpg')")
            other.alembic("downgrade", "base")
    finally:
        empty.run("drop database other_locale with (force)")


def test_vector_may_live_in_another_schema(empty: Database) -> None:
    empty.run("create schema extensions")
    empty.run("create extension vector schema extensions")
    empty.alembic("upgrade", "head")
    assert empty.rows("select name from polarlens.created_here where name = 'vector'") == []
    assert empty.value("select polar_ai.ai_imagefrombase64('aGVsbG8=')") == b"hello"


@pytest.mark.parametrize("setting", ["search_path to nowhere, public", "standard_conforming_strings to on"])
def test_the_users_settings_do_not_matter(empty: Database, setting: str) -> None:
    empty.alembic("upgrade", "head")
    wanted = catalogue(empty, "settings")
    empty.alembic("downgrade", "base")
    empty.run(f"alter role current_user in database {empty.env['PGDATABASE']} set {setting}")
    empty.alembic("upgrade", "head")
    assert catalogue(empty, "settings") == wanted
