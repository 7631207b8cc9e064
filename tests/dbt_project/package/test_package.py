"""polarlens installed in other dbt projects: one builds upon its models (shop), one takes the macros (notes)."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from scripts.common.paths import CHECKOUT
from tests.support.database import Database
from tests.support.project import Project

PROJECT = CHECKOUT / "dbt_project"


def install(name: str, folder: Path, database: Database) -> Path:
    """Copy one of the projects beside this file, have `dbt deps` install polarlens in it, and return its folder."""
    home = folder / name
    shutil.copytree(Path(__file__).parent / name, home)
    shutil.copy(PROJECT / "profiles.yml", home)
    packages = home / "packages.yml"
    packages.write_text(packages.read_text().replace("../../../dbt_project", str(PROJECT)))
    database.dbt("deps", cwd=home)
    return home


def test_a_project_embeds_its_own_table_and_searches_it_beside_the_photos(project: Project, tmp_path: Path) -> None:
    database = project.database
    project.stage(*(project.photo(f"{colour}.png", colour) for colour in ("red", "green", "blue")))
    database.run("insert into polarlens.labels (label_set, label) values ('food', 'soup')")
    home = install("shop", tmp_path, database)
    # A schema that wants quotes, custom schemas, and nothing of polarlens built before.
    output = database.dbt("build", cwd=home, DBT_SCHEMA="shop-dev").stdout
    assert "WARN=0 ERROR=0 SKIP=0" in output
    assert "unit test" not in output and "exposure" not in output  # polarlens's own business
    assert "DEPRECATION" not in output.upper()
    with database.connect() as reader:
        reader.execute("set role polarlens_reader")

        def rows(query: str) -> list[tuple[object, ...]]:
            return reader.execute(query.encode()).fetchall()

        # By a macro in a view, by a search function of its own, and by polarlens's in polarlens's space and its own.
        assert rows('select product_id from "shop-dev_products".red_products order by rank') == [(1,), (4,)]
        assert rows("""select product_id from "shop-dev_products".search_products('green', k => 1)""") == [(2,)]
        for model in ("null", "'shop_photo_embeddings'"):
            found = rows(f"""select path from "shop-dev_photos".search_images('blue', k => 1, model => {model})""")
            assert str(found[0][0]).endswith("/blue.png"), model
        # Two models of one name.
        assert rows('select count(*) from "shop-dev_photos".photos') == [(3,)]
    assert database.value('select whose from "shop-dev_products".photos') == "ours"
    assert (
        database.value("""select prosrc from pg_proc where proname = 'label_vectors'""").count(
            "a cook''s picture of {}"
        )
        == 1
    )

    assert database.value('select prompt from "shop-dev_photos".stg_labels') == "a cook's picture of soup"

    # `dbt run` builds every search function, even where it runs a few models only. A broken contract costs no call, and
    # neither does another storage, for which a new table takes the place of the old one.
    database.run('drop function "shop-dev_products".search_products')
    database.run('drop function "shop-dev_photos".search_images cascade')
    asked = project.clip.items
    failed = database.dbt(
        *("run", "--select", "product_embeddings", "shop_photo_embeddings"),
        *("--vars", "{product_dimension: 512, photo_storage: halfvec}"),
        cwd=home,
        check=False,
        DBT_SCHEMA="shop-dev",
    )
    assert "embedding is halfvec(4), and the contract says halfvec(512)" in failed.stdout
    assert failed.returncode == 1 and project.clip.items == asked
    assert "shop-dev_products.shop_photo_embeddings: the new space is in place" in failed.stdout
    built = database.rows("select proname from pg_proc where proname in ('search_products', 'search_images')")
    assert len(built) == 2


@pytest.fixture(scope="module")
def notes(shared_project: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install("notes", tmp_path_factory.mktemp("installed"), shared_project.database)


def test_a_project_that_wants_no_photos_takes_the_macros(shared_project: Project, notes: Path) -> None:
    database = shared_project.database
    database.dbt("seed", cwd=notes, DBT_SCHEMA="notes")
    output = database.dbt("run", cwd=notes, DBT_SCHEMA="notes").stdout
    assert "PASS=3 WARN=0 ERROR=0 SKIP=0" in output  # two models and the hook
    assert database.rows("select rank, note_id from notes.notes_like_the_sea") == [(1, "n2")]
    made = database.rows(
        "select relname from pg_class where relnamespace = 'notes'::regnamespace and relkind in ('r', 'v')"
    )
    assert {name for (name,) in made} == {"notes", "note_embeddings", "notes_like_the_sea"}
    assert database.rows("select proname from pg_proc where pronamespace = 'notes'::regnamespace") == [
        ("query_vector",)
    ]


def test_a_database_without_polarlens_is_told_what_to_do(empty_database: Database, notes: Path) -> None:
    failed = empty_database.dbt("run", cwd=notes, check=False)
    assert failed.returncode != 0
    assert "has no polarlens, or an older one: install it with `alembic upgrade head`" in failed.stdout


@pytest.mark.parametrize(
    ("version", "advice"),
    [
        ("0.0.9", "upgrade the database with `alembic upgrade head` in a checkout of polarlens"),
        ("99.10.0", "update the dbt project to 99.10.0 (its checkout, or packages.yml and `dbt deps`)"),
    ],
)
def test_a_database_of_another_version_is_told_what_brings_both_together(
    shared_project: Project, notes: Path, version: str, advice: str
) -> None:
    database = shared_project.database
    installed = database.value("select version from polarlens.installed_code")
    database.run("update polarlens.installed_code set version = %s", version)
    failed = database.dbt("run", cwd=notes, check=False, DBT_SCHEMA="notes")
    database.run("update polarlens.installed_code set version = %s", installed)
    assert failed.returncode != 0
    assert f"has polarlens {version}, and dbt has {installed}: {advice}" in failed.stdout
