"""What holds for everything that is installed, by name of what breaks the rule."""

from __future__ import annotations

import re

import pytest

from tests.support.database import Database

OURS = "('polar_ai', 'polarlens')"

# Their transform functions are the caller's, and find what the caller finds.
WITHOUT_SEARCH_PATH = {
    "_embed_ahead",
    "_embed",
    "_query_embedding",
    "ai_callmodel",
    "ai_callmodel_raw",
    "ai_callmodels",
    "ai_embedding",
    "ai_listfiles",
    "ai_testmodel",
    "ai_text_classification",
    "ai_text_embedding",
    "ai_text_generation",
}
FOR_ADMINS_ONLY = {
    "ai_allow",
    "ai_alterlocation",
    "ai_altermodel",
    "ai_createlocation",
    "ai_createmodel",
    "ai_disallow",
    "ai_droplocation",
    "ai_dropmodel",
    "ai_grantlocation",
    "ai_grantmodel",
    "ai_revokelocation",
    "ai_revokemodel",
    "ai_setmodeltoken",
}
# They need a token, or write to tables that nobody else may.
SECURITY_DEFINERS = FOR_ADMINS_ONLY | {
    "_call_provider",
    "_call_raw",
    "_embed_bytes",
    "_embed_one",
    "_embed_provider",
    "_index_progress",
    "_list_files",
    "_load_file",
    "_load_thumbnails",
    "_location_secret",
    "_permit_N",
    "_post",
    "_post_many",
    "_presign_url",
    "_probe",
    "_raise_unlogged",
    "_seal_token",
    "_warn_of_secret",
    "_test_location",
}
# Functions that run as the owner call these.
OWNER_ONLY = {
    "_check_location",
    "_check_model",
    "_check_transform",
    "_create_location_permit",
    "_create_permit",
    "_model_seq",
    "_permit",
    "_seal_token",
    "_store_location_secret",
    "_store_token",
}
# The one documented overload: a text, and an array of texts.
OVERLOADED = {"ai_text_embedding"}
# Search functions from before version 0.1.0 call these until the next `dbt run` (test_move_internals.py).
FORMER_NAMES = {"_embed", "_fingerprints", "_raise"}


def functions(db: Database, where: str) -> set[str]:
    query = f"""
        select p.proname
        from pg_proc as p
        inner join pg_namespace as n on n.oid = p.pronamespace
        where n.nspname in {OURS} and {where}
    """
    return {re.sub(r"^_permit_\d+$", "_permit_N", name) for (name,) in db.rows(query)}


def test_there_is_something_to_check(db: Database) -> None:
    assert {"ai_loadfile", "ai_callmodel", "_raise", "_load_runtime"} <= functions(db, "true")


def test_nobody_but_its_roles_may_execute_a_function(db: Database) -> None:
    assert not functions(db, "has_function_privilege('public', p.oid, 'execute')")


@pytest.mark.parametrize("role", ["polar_ai_user", "polar_ai_admin"])
def test_roles_may_execute_what_is_meant_for_them(db: Database, role: str) -> None:
    public = functions(db, f"p.proname like 'ai\\_%' and has_function_privilege('{role}', p.oid, 'execute')")
    everything = functions(db, "p.proname like 'ai\\_%'")
    assert public == (everything if role == "polar_ai_admin" else everything - FOR_ADMINS_ONLY)


@pytest.mark.parametrize("role", ["polar_ai_user", "polar_ai_admin"])
def test_internal_functions_are_for_both_roles_or_for_the_owner_alone(db: Database, role: str) -> None:
    # The permits carry the grants of their models and locations.
    internal = "p.proname ~ '^_' and p.proname !~ '^_permit_'"
    assert functions(db, f"{internal} and not has_function_privilege('{role}', p.oid, 'execute')") == OWNER_ONLY


def test_the_search_path_is_pinned_and_ends_with_pg_temp(db: Database) -> None:
    pinned = "exists (select from unnest(p.proconfig) as c where c = 'search_path=pg_catalog, pg_temp')"
    assert functions(db, f"not coalesce({pinned}, false)") == WITHOUT_SEARCH_PATH
    assert not WITHOUT_SEARCH_PATH & functions(db, "p.prosecdef")


def test_only_what_needs_the_owners_rights_has_them(db: Database) -> None:
    assert functions(db, "p.prosecdef") == SECURITY_DEFINERS


def test_no_function_is_installed_twice(db: Database) -> None:
    query = (
        f"select p.proname from pg_proc as p, pg_namespace as n where n.oid = p.pronamespace and n.nspname in {OURS}"
    )
    assert {name for (name,) in db.rows(f"{query} group by p.proname having count(*) > 1")} == OVERLOADED | FORMER_NAMES


COMMENTED = {
    "function": f"select p.oid, 'pg_proc', 0, p.proname from pg_proc p, pg_namespace n where n.oid = p.pronamespace"
    f" and n.nspname in {OURS}",
    "relation": f"select c.oid, 'pg_class', 0, c.relname from pg_class c, pg_namespace n where n.oid = c.relnamespace"
    f" and n.nspname in {OURS} and c.relkind in ('r', 'v', 'm') and c.relname <> 'alembic_version'",
    "schema": f"select n.oid, 'pg_namespace', 0, n.nspname from pg_namespace n where n.nspname in {OURS}",
    "composite type": f"select t.oid, 'pg_type', 0, t.typname from pg_type t, pg_class c, pg_namespace n"
    f" where c.oid = t.typrelid and c.relkind = 'c' and n.oid = t.typnamespace and n.nspname in {OURS}",
    "column": f"select c.oid, 'pg_class', a.attnum, c.relname || '.' || a.attname"
    f" from pg_attribute a, pg_class c, pg_namespace n where c.oid = a.attrelid and n.oid = c.relnamespace"
    f" and n.nspname in {OURS} and c.relkind in ('r', 'v', 'm') and a.attnum > 0 and not a.attisdropped"
    f" and c.relname <> 'alembic_version'",
}


@pytest.mark.parametrize("kind", COMMENTED)
def test_everything_has_a_comment(db: Database, kind: str) -> None:
    objects = f"({COMMENTED[kind]}) as o (oid, catalogue, sub, name)"
    comment = "case when sub = 0 then obj_description(oid, catalogue) else col_description(oid, sub) end"
    assert db.value(f"select count(*) from {objects}") > 0
    bare = db.rows(f"select name from {objects} where coalesce(length({comment}), 0) < 10")
    assert not bare


@pytest.mark.parametrize("role", ["polar_ai_user", "polar_ai_admin", "public"])
def test_no_role_may_read_or_write_the_secrets(db: Database, role: str) -> None:
    for table in ("polar_ai.model_secrets", "polar_ai.location_secrets"):
        for right in ("select", "insert", "update", "delete", "truncate", "references", "trigger"):
            assert not db.value(f"select has_table_privilege('{role}', '{table}', '{right}')")
        assert not db.value(f"select has_any_column_privilege('{role}', '{table}', 'select')")


@pytest.mark.parametrize(
    "table", ["polar_ai.models", "polar_ai.locations", "polar_ai.allow_list", "polarlens.installed_code"]
)
@pytest.mark.parametrize("role", ["polar_ai_user", "polar_ai_admin", "public"])
def test_the_registry_changes_only_through_its_functions(db: Database, role: str, table: str) -> None:
    for right in ("insert", "update", "delete", "truncate"):
        assert not db.value(f"select has_table_privilege('{role}', '{table}', '{right}')")


def test_no_role_may_create_anything_in_our_schemas(db: Database) -> None:
    for schema in ("polar_ai", "polarlens"):
        for role in ("public", "polar_ai_user", "polar_ai_admin"):
            assert not db.value(f"select has_schema_privilege('{role}', '{schema}', 'create')")
