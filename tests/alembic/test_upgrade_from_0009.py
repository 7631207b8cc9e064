"""A database as revision 0009 left it, after `dbt run` and with views of people's own, is upgraded."""

from __future__ import annotations

import gzip
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from scripts.common.paths import CHECKOUT, state_home
from scripts.programs.local_postgres.server import LocalPostgres
from tests.alembic.catalogue import QUERIES
from tests.support.database import Database, new_database
from tests.support.site import terminal_at

DUMP = Path(__file__).with_name("revision_0009.sql.gz")
OURS = re.compile(r"(polar_ai|polarlens|ganos_ai)(\.|$)")
# Models and locations that somebody registered have a function each.
PERMIT = re.compile(r"polar_ai\._permit_")
COMPARED = ["schemas", "relations", "columns", "constraints", "indexes", "functions", "types"]
PEOPLES_VIEWS = ["on_embeddings", "on_photos", "on_search", "on_staging"]


@pytest.fixture(scope="module")
def postgres(open_folder: Path) -> Iterator[LocalPostgres]:
    postgres = LocalPostgres(open_folder / "postgres-0009", programs=state_home() / "programs")
    yield postgres
    postgres.destroy()


@pytest.fixture(scope="module")
def fresh(postgres: LocalPostgres) -> Iterator[Database]:
    """A new database at head; with it, the server has the roles that the dump names."""
    with new_database(postgres.start(), "template0") as database:
        database.alembic("upgrade", "head")
        yield database


@pytest.fixture
def old(postgres: LocalPostgres, fresh: Database, tmp_path: Path) -> Iterator[Database]:
    """The dump, restored."""
    with new_database(fresh.env, "template0") as database:
        restored = subprocess.run(
            ["psql", "--quiet", "--set", "ON_ERROR_STOP=1"],
            env=terminal_at(postgres, database.env, tmp_path).env,
            input=gzip.decompress(DUMP.read_bytes()),
            capture_output=True,
            check=False,
        )
        assert restored.returncode == 0, restored.stderr.decode()
        yield database


def ours(db: Database) -> dict[str, list[str]]:
    """Return the catalogue of the schemas that the migrations make."""
    found = {}
    for kind in COMPARED:
        place = 1 if kind == "constraints" else 0
        rows = [row for row in db.rows(QUERIES[kind]) if OURS.match(str(row[place]))]
        # pg_dump leaves out a list of rights that holds its owner's alone.
        found[kind] = sorted(
            str(row).replace("['postgres=arwdDxtm/postgres']", "None")
            for row in rows
            if not PERMIT.match(str(row[place]))
        )
    return found


def answers(db: Database) -> dict[str, list[tuple[Any, ...]]]:
    return {view: db.rows(f"select t::text from people.{view} as t order by 1") for view in PEOPLES_VIEWS}


def test_the_upgraded_catalogue_is_a_new_databases(old: Database, fresh: Database) -> None:
    assert old.value("select version_num from polarlens.alembic_version") == "0009"
    before = answers(old)
    assert all(before.values())
    old.alembic("upgrade", "head")

    upgraded, wanted = ours(old), ours(fresh)
    for kind in COMPARED:
        assert len(wanted[kind]) > 1
        assert upgraded[kind] == wanted[kind], kind
    assert answers(old) == before
    assert old.value("select bool_and(callable) and count(*) > 6 from polar_ai.ai_listmodels()")
    assert old.value("select polar_ai.ai_imagefrombase64('aGVsbG8=')") == b"hello"


def test_every_function_keeps_its_rights(old: Database) -> None:
    """Wherever it moved: the rights of 0009 were written out function by function."""
    rights = """
        select
            p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')' as function,
            array(select x::text from unnest(p.proacl) as x order by 1) as rights
        from pg_proc as p
        where p.pronamespace in ('polar_ai'::regnamespace, 'polarlens'::regnamespace)
    """
    before = dict(old.rows(rights))
    old.alembic("upgrade", "head")
    after = dict(old.rows(rights))
    # The readers of search.refresh_status call it since.
    after["_index_progress()"].remove("polarlens_reader=X/postgres")
    kept = before.keys() & after.keys()
    assert len(kept) > 70
    assert {function: after[function] for function in kept} == {function: before[function] for function in kept}


def test_the_printed_script_upgrades_it_too(old: Database, fresh: Database) -> None:
    script = old.alembic("upgrade", "0009:head", "--sql").stdout
    with old.connect() as connection:
        result = connection.pgconn.exec_(script[script.index("BEGIN;") :].encode())
        assert result.status == psycopg.pq.ExecStatus.COMMAND_OK, result.error_message
    assert ours(old) == ours(fresh)


@pytest.mark.parametrize("command", [["upgrade", "head"], ["downgrade", "base"]])
@pytest.mark.parametrize("revision", ["0001", "0006", "0008"])
def test_a_database_from_before_is_told_what_to_do(old: Database, revision: str, command: list[str]) -> None:
    old.run("update polarlens.alembic_version set version_num = %s", revision)
    done = old.alembic(*command, check=False)
    assert done.returncode != 0 and "Traceback" not in done.stdout
    (said,) = [line for line in done.stdout.splitlines() if "FAILED" in line]
    assert f"this database is at revision {revision}" in said and "`alembic upgrade head` in a checkout of" in said
    assert old.value("select version_num from polarlens.alembic_version") == revision


def test_the_old_commit_is_in_the_history_and_ends_at_0009() -> None:
    (commit,) = re.findall(r"checkout of commit (\w+)", (CHECKOUT / "alembic" / "env.py").read_text())
    listed = subprocess.run(
        ["git", "ls-tree", "--name-only", commit, "alembic/versions/"], cwd=CHECKOUT, capture_output=True, text=True
    )
    if listed.returncode != 0:
        pytest.skip("no history here")
    assert max(Path(name).name for name in listed.stdout.split()).startswith("0009")


def test_a_downgrade_to_0009_can_be_upgraded_again(old: Database, fresh: Database) -> None:
    old.alembic("upgrade", "head")
    old.alembic("downgrade", "0009")
    # The functions of 0009 make both, as other ones.
    both = "select to_regclass('polarlens.refresh_status'), to_regprocedure('polarlens._index_progress()')"
    assert old.rows(both) == [(None, None)]
    old.alembic("upgrade", "head")
    assert ours(old) == ours(fresh)
