"""Standing in for what a function of ours names: through search_path, temporary objects, overloads and settings."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.security.house import House

# Every function and operator of PostgreSQL on ordinary types, under the same name and signature; each says who fell in.
TRAPS = """
create schema trap;
grant usage on schema trap to public;
create function trap.spring() returns boolean language plpgsql as
$$ begin raise exception 'trapped as %', current_user using errcode = 'P0TRP'; end $$;
grant execute on function trap.spring() to public;
do $$
declare
    v_types constant oid[] := array['text', 'jsonb', 'json', 'integer', 'bigint', 'boolean', 'numeric', 'real',
        'double precision', 'timestamptz', 'interval', 'regprocedure', 'oid', 'name', 'text[]', 'integer[]', 'bytea',
        'anyarray', 'anyelement', 'anycompatible', 'anycompatiblearray', 'anynonarray', '"any"']::regtype[];
    v_one record;
    v_made integer := 0;
begin
    for v_one in
        select
            p.proname, pg_get_function_identity_arguments(p.oid) as arguments, pg_get_function_result(p.oid) as result
        from pg_proc as p
        where p.pronamespace = 'pg_catalog'::regnamespace and p.prokind = 'f' and not p.proretset
            and p.proargtypes::oid[] <@ v_types and p.prorettype = any(v_types)
    loop
        begin
            execute format(
                'create function trap.%I(%s) returns %s language plpgsql as %L', v_one.proname, v_one.arguments,
                v_one.result, 'begin perform trap.spring(); return null; end'
            );
            v_made := v_made + 1;
        exception when others then null;
        end;
    end loop;
    for v_one in
        select o.oprname, o.oprleft::regtype as l, o.oprright::regtype as r, o.oprresult::regtype as result
        from pg_operator as o
        where o.oprleft = any(v_types) and o.oprright = any(v_types) and o.oprresult = any(v_types)
    loop
        begin
            execute format(
                'create function trap.op(%s, %s) returns %s language plpgsql as %L', v_one.l, v_one.r, v_one.result,
                'begin perform trap.spring(); return null; end'
            );
        exception when others then null;
        end;
        begin
            execute format(
                'create operator trap.%s (function = trap.op, leftarg = %s, rightarg = %s)',
                v_one.oprname, v_one.l, v_one.r
            );
            v_made := v_made + 1;
        exception when others then null;
        end;
    end loop;
    if v_made < 500 then
        raise exception 'only % traps', v_made;
    end if;
end
$$;
create domain trap.text as pg_catalog.int4;
create domain trap.jsonb as pg_catalog.int4;
create domain trap.regprocedure as pg_catalog.int4;
create domain trap.record_ as pg_catalog.int4;
create table trap.models (model_id pg_catalog.text);
create table trap.model_secrets (model_id pg_catalog.text);
create table trap.allow_list (entry pg_catalog.text);
create table trap.pg_proc (oid pg_catalog.int4);
create table trap.pg_extension (oid pg_catalog.int4);
"""
# The same for what a session may make for itself.
TEMPORARY = """
create temporary table models (model_id text);
create temporary table model_secrets (model_id text, token text);
create temporary table allow_list (entry text);
create temporary table permit_key (key text);
create temporary table pg_proc (oid oid);
create temporary table pg_extension (extname text);
create temporary table created_model (x text);
create domain pg_temp.jsonb as integer;
create domain pg_temp.text_ as integer;
create function pg_temp.sha256(bytea) returns bytea language sql as 'select null::bytea';
create function pg_temp._permit(text) returns text language sql as 'select null::text';
"""
PERMIT = "(select permit from polar_ai._model('open'))"
# Every function of ours that runs as the owner, by role.
CALLER = {
    "_post": f"select polar_ai._post('open', {PERMIT}, '{{}}', '{{}}')",
    "_post_many": f"select polar_ai._post_many('open', {PERMIT}, array['{{}}'], null, 1, 1)",
    "_call_provider": f"select polar_ai._call_provider('open', {PERMIT}, 'x')",
    "_call_raw": f"select polar_ai._call_raw('open', {PERMIT}, null, 'x', null)",
    "_embed_provider": f"select polar_ai._embed_provider('open', {PERMIT}, array['x'], null, 1, null)",
    "_embed_bytes": f"select polar_ai._embed_bytes('open', {PERMIT}, array['x'::bytea], null, 1, null)",
    "_load_file": "select polar_ai._load_file('shared:a', 1, polar_ai._location_permits('shared'))",
    "_load_thumbnails": "select polar_ai._load_thumbnails(array['shared:a'], 1, polar_ai._location_permits('shared'))",
    "_presign_url": "select polar_ai._presign_url('shared:a', 1, polar_ai._location_permits('shared'))",
    "_list_files": "select polar_ai._list_files('shared', '', polar_ai._location_permits('shared'))",
    "_test_location": "select polar_ai._test_location('shared', polar_ai._location_permits('shared'))",
    "_location_secret": "select polar_ai._location_secret('shared')",
    "_permit_location_N": "select polar_ai._permit_location_1()",
    "_index_progress": "select polarlens._index_progress()",
    "_embed_one": f"select polar_ai._embed_one('open', {PERMIT}, 'shadow', 'x')",
    "_probe": f"select polar_ai._probe('open', {PERMIT})",
    "_permit_N": "select polar_ai._permit_{open}()",
}
ADMIN = {
    "ai_createmodel": "select polar_ai.ai_createmodel('shadow', 'http://127.0.0.1:9', 'clip-as-service',"
    ' model_config => \'{"token": "x"}\')',
    "ai_altermodel": "select polar_ai.ai_altermodel('open', model_config => '{\"token\": \"x\"}')",
    "ai_dropmodel": "select polar_ai.ai_dropmodel('open')",
    "ai_setmodeltoken": "select polar_ai.ai_setmodeltoken('open', 'x')",
    "ai_createlocation": "select polar_ai.ai_createlocation('shadow', 'https://127.0.0.1', '{}', 'x')",
    "ai_alterlocation": "select polar_ai.ai_alterlocation('shared', 'https://127.0.0.1', '{}', 'x')",
    "ai_droplocation": "select polar_ai.ai_droplocation('shared')",
    "ai_grantlocation": "select polar_ai.ai_grantlocation('shared', 'reader')",
    "ai_revokelocation": "select polar_ai.ai_revokelocation('shared', 'reader')",
    "ai_allow": "select polar_ai.ai_allow('https://*')",
    "ai_disallow": "select polar_ai.ai_disallow('https://*')",
    "ai_grantmodel": "select polar_ai.ai_grantmodel('open', 'reader')",
    "ai_revokemodel": "select polar_ai.ai_revokemodel('open', 'reader')",
}
# And those that run with the caller's rights and, for the transform functions' sake, with the caller's search_path.
UNPINNED = {
    "ai_callmodel": "select polar_ai.ai_callmodel('functions', 'a'::pg_catalog.text)",
    "ai_callmodel of a provider": "select polar_ai.ai_callmodel('open', 'a'::pg_catalog.text)",
    "ai_callmodels": "select polar_ai.ai_callmodels('functions', array['a'::pg_catalog.text, null])",
    "ai_callmodels of a provider": "select polar_ai.ai_callmodels('open', array['a'::pg_catalog.text])",
    "ai_callmodel_raw": "select polar_ai.ai_callmodel_raw('functions', 'a')",
    "ai_embedding": "select polar_ai.ai_embedding('functions', 'a')",
    "ai_embedding of a provider": "select polar_ai.ai_embedding('open', 'a')",
    "ai_text_embedding": "select polar_ai.ai_text_embedding('a'::pg_catalog.text, 'functions')",
    "ai_text_embedding of many": "select polar_ai.ai_text_embedding(array['a'::pg_catalog.text], 'functions')",
    "ai_text_generation": "select polar_ai.ai_text_generation('a', 'functions')",
    "ai_text_classification": "select polar_ai.ai_text_classification('a', 'functions')",
    "ai_testmodel": "select polar_ai.ai_testmodel('functions')",
    "ai_testmodel of a provider": "select polar_ai.ai_testmodel('open')",
    "ai_callmodel by the old name": "select ganos_ai.ai_callmodel('functions', 'a'::pg_catalog.text)",
    "ai_loadfile": "select polar_ai.ai_loadfile('/nowhere')",
    "ai_listfiles": "select * from polar_ai.ai_listfiles('folder', pattern => 'x')",
    "ai_listmodels": "select polar_ai.ai_listmodels()",
    "_embed": "select polarlens._embed('functions', array['a'::pg_catalog.text, null])",
    "_embed_ahead": "select polarlens._embed_ahead('functions', array['a'::pg_catalog.text], null, 1, null)",
    "_query_embedding": "select polarlens._query_embedding('functions', 'a')",
    # The functions that take the caller's search_path as an argument, and the one that sets it.
    **{
        f"{name} under a path": statement.replace("{path}", "'trap, pg_temp, pg_catalog, public'")
        for name, statement in {
            "_call_function": "select polar_ai._call_function("
            "'public.body($1, $2)', 'm', 'a'::pg_catalog.text, {path})",
            "_call_model": "select polar_ai._call_model('functions', 'a'::pg_catalog.text, {path})",
            "_call_model_raw": "select polar_ai._call_model_raw('functions', 'a', {path})",
            "_call_models": "select polar_ai._call_models('functions', array['a'::pg_catalog.text, null], 4, {path})",
            "_call_many": "select polar_ai._call_many('functions', array['a'::pg_catalog.text, null], 4, {path})",
            "_embedding": "select polar_ai._embedding('functions', 'a', {path})",
            "_embed_batch": "select polar_ai._embed_batch("
            "'functions', array['a'::pg_catalog.text], null::pg_catalog.text[], 1, null, {path})",
            "_test_model": "select polar_ai._test_model('functions', {path})",
        }.items()
    },
}
PATHS = {
    "another schema first": "set search_path to trap, pg_catalog, public",
    "temporary objects first": "set search_path to pg_temp, trap, pg_catalog, public",
    "no path": "set search_path to ''",
}


@pytest.fixture(scope="module", autouse=True)
def traps(house: House) -> Iterator[None]:
    house.db.run(TRAPS)
    yield
    house.db.run("set client_min_messages to error")
    house.db.run("drop schema trap cascade")


def test_every_function_that_runs_as_the_owner_is_in_the_table(house: House) -> None:
    found = house.db.rows(
        "select distinct regexp_replace(p.proname, '[0-9]+$', 'N') from pg_proc as p"
        " where p.prosecdef and p.pronamespace::regnamespace::text in ('polar_ai', 'ganos_ai', 'polarlens')"
    )
    # Only the owner may call _seal_token; _raise_unlogged and _warn_of_secret have nothing but a text to raise.
    assert {name for (name,) in found} == {*CALLER, *ADMIN, "_seal_token", "_raise_unlogged", "_warn_of_secret"}


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
@pytest.mark.parametrize(
    ("role", "statement"),
    [
        pytest.param(role, statement, id=f"{role}: {name}")
        for role, table in (("caller", CALLER | UNPINNED), ("admin", ADMIN))
        for name, statement in table.items()
    ],
)
def test_nothing_of_the_callers_stands_in_for_what_we_name(house: House, role: str, statement: str, path: str) -> None:
    seq = house.db.value("select model_seq from polar_ai.models where model_id = 'open'")
    seen = house.attack(role, TEMPORARY, path, "begin", statement.replace("{open}", str(seq)))
    assert seen.sqlstate in (None, "42501") and "trap" not in seen.text, seen.text


@pytest.mark.parametrize(
    "setting",
    [
        "quote_all_identifiers = on",
        "standard_conforming_strings = off",
        "transform_null_equals = on",
        "array_nulls = off",
        "extra_float_digits = -15",
        "datestyle = 'German'",
        "timezone = '+14'",
        "bytea_output = escape",
        "row_security = off",
        "plan_cache_mode = force_generic_plan",
        "default_transaction_isolation = serializable",
        "polar.ai.http_timeout_msec = '" + "9" * 5000 + "'",
        "polar.ai.retry_times = '" + "9" * 5000 + "'",
        "polar.ai.lru_entity_size = '-1'",
        "polar.ai.http_keep_alive = '; select'",
    ],
    ids=lambda setting: setting[:40],
)
def test_no_setting_of_a_session_opens_what_is_closed(house: House, setting: str) -> None:
    for model in ("revoked", "theirs"):
        seen = house.attack("caller", f"set {setting}", f"select polar_ai.ai_callmodel('{model}', 'x'::text)")
        assert seen.sqlstate in ("42501", "22023")
    house.attack("caller", f"set {setting}", "select polar_ai.ai_callmodel('open', 'x'::text)")


OVERLOADS = {
    "of a better match": ("create function public.body(model text, content varchar) returns jsonb", "'a'::varchar"),
    "of another type": ("create function public.body(model text, content integer) returns jsonb", "1"),
    "of any type": ("create function public.body(model text, content anyelement) returns jsonb", "1.5"),
    "with a default": (
        "create function public.body(model text, content text, more text default '') returns jsonb",
        "'a'::text",
    ),
    "of many": ("create function public.body(model text, variadic content text[]) returns jsonb", "'a'::text"),
}


@pytest.mark.parametrize(("head", "content"), OVERLOADS.values(), ids=OVERLOADS)
def test_a_transform_function_is_the_registered_one_and_no_overload(house: House, head: str, content: str) -> None:
    # Where everybody may create in public, as before PostgreSQL 15. It would run with the rights of the model's caller.
    house.db.run("grant create on schema public to outsider")
    body = "as $$ begin raise exception 'hijacked as %', current_user; end $$"
    with house.connect("outsider") as connection:
        connection.execute(f"{head} language plpgsql {body}".encode())
    seen = house.attack("caller", f"select polar_ai.ai_callmodel('functions', {content})")
    house.db.run("drop owned by outsider")
    assert "hijacked" not in seen.text, seen.text
