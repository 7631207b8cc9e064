"""Where the database has an extension polar_ai of its own, as PolarDB has: it stays, and dbt works on it.

The extension itself is closed and runs on PolarDB only: a stand-in with its documented registry and ai_callmodel
takes its place. Everything is done by a role that is no superuser, as PolarDB gives none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from psycopg import sql

from tests.support.clip import ColourClip
from tests.support.collection import people_fill_in, stage_photos
from tests.support.database import Database, new_database
from tests.support.http_server import ScriptedServer
from tests.support.project import Project
from tests.support.server import embedded

# Some dozens of seconds.
pytestmark = pytest.mark.slow

NATIVE = Path(__file__).with_name("native.sql")
CONTROL = "default_version = '2.0'\nrelocatable = false\nsuperuser = true\n"
KEEP = ("-x", "polar_ai=native")
MEMBERS = """
    select pg_describe_object(d.classid, d.objid, 0)
    from pg_depend as d inner join pg_extension as e on d.refobjid = e.oid and e.extname = 'polar_ai'
    where d.refclassid = 'pg_extension'::regclass and d.deptype = 'e' order by 1
"""


@pytest.fixture(scope="module")
def polardb(open_folder: Path) -> Iterator[Project]:
    """A database with the native extension and both models, on a server of its own; its connection is a superuser's."""
    home = open_folder / "native"
    (home / "extension").mkdir(parents=True)
    (home / "extension" / "polar_ai.control").write_text(CONTROL)
    (home / "extension" / "polar_ai--2.0.sql").write_text(NATIVE.read_text())
    postgres = embedded(home / "postgres", "needs extension_control_path, which is PostgreSQL 18's")
    clip = ColourClip()
    service = ScriptedServer(clip)
    folder = home / "photos"
    folder.mkdir()
    for path in (home, home / "extension", folder):
        path.chmod(0o755)
    try:
        with new_database(postgres.start(), "template0") as database:
            database.run("create extension plpython3u")
            # Which PolarDB's account may create itself.
            database.run("create extension vector")
            database.run(f"set extension_control_path = '{home}:$system'")
            database.run("create extension polar_ai")
            for kind in ("text", "image"):
                database.run(
                    "insert into polar_ai._ai_models (model_id, model_url, model_name, model_config)"
                    " values (%s, %s, 'colours', jsonb_build_object('token', 'sk-secret', 'input', %s::text))",
                    f"embedding/clip_{kind}",
                    service.url + "/post",
                    kind,
                )
            database.run("create role privileged login createrole password 'their-own'")
            name = sql.Identifier(database.env["PGDATABASE"])
            database.connection.execute(sql.SQL("alter database {} owner to privileged").format(name))
            yield Project(database, clip, service, folder)
    finally:
        service.close()
        postgres.destroy()


@pytest.fixture(scope="module")
def account(polardb: Project) -> Database:
    """The same database, as the account that PolarDB gives."""
    env = {**polardb.database.env, "PGUSER": "privileged", "PGPASSWORD": "their-own"}
    mine = Database(env, None)  # type: ignore[arg-type]
    mine.connection = mine.connect()
    return mine


def test_an_upgrade_that_would_take_its_place_is_refused(polardb: Project) -> None:
    members = polardb.database.rows(MEMBERS)
    assert len(members) >= 3
    done = polardb.database.alembic("upgrade", "head", check=False)
    assert done.returncode != 0
    assert "alembic -x polar_ai=native upgrade head" in done.stdout and "Nothing was changed" in done.stdout
    assert polardb.database.rows(MEMBERS) == members


def test_there_has_to_be_one_to_keep(empty_database: Database) -> None:
    done = empty_database.alembic(*KEEP, "upgrade", "head", check=False)
    assert done.returncode != 0 and "Leave out -x polar_ai=native" in done.stdout


def test_dbt_embeds_and_searches_with_the_native_ai_callmodel(polardb: Project, account: Database) -> None:
    members = polardb.database.rows(MEMBERS)
    account.alembic(*KEEP, "upgrade", "head")
    project = replace(polardb, database=account)
    stage_photos(project)
    project.stage(str(polardb.folder / "missing.png"))
    people_fill_in(project)
    output = account.dbt("run").stdout
    assert "search_internal.image_embeddings: 7 embedded, 0 unchanged, 0 removed, 1 failed" in output
    assert "missing.png" in account.value("select message from polarlens.embedding_errors")
    found = account.rows("select path from search.search_images('something blue', k => 2)")
    assert {Path(path).name for (path,) in found} == {"blue.png", "dark_blue.png"}
    found = account.rows("select path from search.search_images_like(1, k => 1)")
    assert found[0][0].endswith("dark_red.png")
    assert account.rows("select label from search.classify_images_by_set('food', k => 1)")
    assert account.rows("select path from search.saved_search_results")
    # Again: nothing to do, and the model is not asked.
    asked = polardb.clip.items
    assert "0 embedded, 7 unchanged" in account.dbt("run", "--select", "image_embeddings").stdout
    assert polardb.clip.items == asked
    assert polardb.database.rows(MEMBERS) == members


def test_a_token_of_the_native_registry_shows_nowhere(account: Database) -> None:
    assert "sk-secret" not in str(account.rows("select models::text from polarlens.models"))


def test_a_changed_native_model_is_noticed(polardb: Project, account: Database) -> None:
    polardb.database.run(
        "update polar_ai._ai_models set model_name = 'colours-2' where model_id = 'embedding/clip_image'"
    )
    output = account.dbt("run", "--select", "image_embeddings").stdout
    assert "the model changed" in output and "the new space is in place" in output
    polardb.database.run('update polar_ai._ai_models set model_config = model_config || \'{"token": "new"}\'')
    assert "0 embedded" in account.dbt("run", "--select", "image_embeddings").stdout


def test_a_downgrade_leaves_the_native_extension(polardb: Project, account: Database) -> None:
    members = polardb.database.rows(MEMBERS)
    account.run("drop schema search cascade")
    account.alembic(*KEEP, "downgrade", "base")
    assert polardb.database.rows(MEMBERS) == members
    assert account.value("select to_regnamespace('polarlens') is null")
