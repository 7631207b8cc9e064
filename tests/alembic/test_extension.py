"""`create extension polar_ai` on the embedded server: the same functions, and Alembic takes them over."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from scripts.programs.local_postgres.server import LocalPostgres
from tests.support.database import Database

FUNCTIONS = """
select n.nspname, p.proname, pg_get_function_identity_arguments(p.oid), p.prosrc, p.prosecdef, p.proconfig,
    obj_description(p.oid), p.proacl::text
from pg_proc as p
inner join pg_namespace as n on p.pronamespace = n.oid
where n.nspname in ('polar_ai', 'ganos_ai')
order by 1, 2, 3
"""
TABLES = """
select c.oid::regclass::text, a.attname, format_type(a.atttypid, a.atttypmod), col_description(c.oid, a.attnum)
from pg_class as c
inner join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0
where c.relnamespace in ('polar_ai'::regnamespace, 'polarlens'::regnamespace) and c.relkind in ('r', 'v')
order by 1, a.attnum
"""


def members(database: Database) -> int:
    count = database.value(
        "select count(*) from pg_depend where refclassid = 'pg_extension'::regclass and deptype = 'e' "
        "and refobjid = (select oid from pg_extension where extname = 'polar_ai')"
    )
    assert isinstance(count, int)
    return count


def installed(database: Database) -> list[list[tuple[Any, ...]]]:
    return [database.rows(FUNCTIONS), database.rows(TABLES)]


@pytest.fixture
def extended(embedded_server: LocalPostgres, empty_database: Database) -> Database:
    empty_database.run("create extension polar_ai cascade")
    return empty_database


def test_the_extension_holds_what_the_migrations_install(extended: Database, database: Database) -> None:
    assert installed(extended) == installed(database)
    assert members(extended) > 50


def test_the_articles_statement_works_where_its_requirements_are_there(
    embedded_server: LocalPostgres, empty_database: Database
) -> None:
    empty_database.run("create extension vector")
    empty_database.run("create extension plpython3u")
    empty_database.run("CREATE EXTENSION POLAR_AI WITH SCHEMA PUBLIC;")
    assert empty_database.value("select count(*) > 0 from polar_ai.ai_listmodels()")


def test_without_its_requirements_the_error_says_what_to_write(
    embedded_server: LocalPostgres, empty_database: Database
) -> None:
    with pytest.raises(psycopg.Error) as refused:
        empty_database.run("create extension polar_ai")
    assert 'required extension "vector" is not installed' in str(refused.value)
    assert "CASCADE" in str(refused.value.diag.message_hint)


def test_alembic_adopts_the_extension_with_its_models_and_can_take_it_away(extended: Database) -> None:
    extended.run("select polar_ai.ai_createmodel('mine', 'http://127.0.0.1:1/post', 'clip-as-service')")
    before = installed(extended)
    extended.alembic("upgrade", "head")
    assert extended.value("select count(*) from pg_extension where extname = 'polar_ai'") == 0
    assert installed(extended) == before
    assert extended.value("select count(*) from polar_ai.ai_listmodels() where model_id = 'mine' and callable") == 1
    extended.alembic("downgrade", "base")
    assert (
        extended.value("select count(*) from pg_namespace where nspname in ('polar_ai', 'ganos_ai', 'polarlens')") == 0
    )


def test_alembic_only_looks_where_it_is_only_asked(extended: Database) -> None:
    before = members(extended)
    assert "(head)" in extended.alembic("current").stdout
    assert members(extended) == before
