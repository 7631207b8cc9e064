"""Under which search_path transform functions run: the caller's, and only they."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.database import Database
from tests.support.failure import Failure
from tests.support.http_server import Reply, ScriptedServer
from tests.support.models import register_with_functions

CALLS = {
    "ai_callmodel": "select polar_ai.ai_callmodel('echo', 'a'::pg_catalog.text)",
    "ai_callmodel_raw": "select polar_ai.ai_callmodel_raw('echo', 'a')",
    "ai_callmodels": "select polar_ai.ai_callmodels('echo', array['a', 'b']::pg_catalog.text[])",
    "ai_embedding": "select polar_ai.ai_embedding('echo', 'a')",
    "ai_text_embedding": "select polar_ai.ai_text_embedding('a'::pg_catalog.text, 'echo')",
    "ai_testmodel": "select polar_ai.ai_testmodel('echo')",
    "_embed": "select polarlens._embed('echo', array['a']::pg_catalog.text[])",
    "_query_embedding": "select polarlens._query_embedding('echo', 'a')",
    "the old name": "select ganos_ai.ai_callmodel('echo', 'a'::pg_catalog.text)",
}
PATHS = ['"$user", public', "''", "mine", "pg_temp, mine", '"odd, ""name"', "mine, pg_catalog, pg_temp"]


@pytest.fixture
def service(db: Database, http_server: Callable[..., ScriptedServer]) -> ScriptedServer:
    """A model whose transform function sends the search_path that it runs under."""
    server = http_server(lambda request: Reply(body={"result": [1, 2]}))
    register_with_functions(db, server.url)
    db.run(
        "create or replace function public.in_fn(model text, content text) returns jsonb language plpgsql as"
        " $$ begin return pg_catalog.jsonb_build_object('path', pg_catalog.current_setting('search_path')); end $$"
    )
    return server


def seen(service: ScriptedServer) -> set[str]:
    return {request.json()["path"] for request in service.requests}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_transform_functions_run_under_the_callers_path(
    db: Database, service: ScriptedServer, call: str, path: str
) -> None:
    db.run(f"set search_path to {path}")
    now = db.value("show search_path")
    db.run(call)
    assert seen(service) == {now} == {db.value("show search_path")}


def test_a_function_with_a_path_of_its_own_is_the_caller(db: Database, service: ScriptedServer) -> None:
    db.run(
        "create or replace function public.search() returns real[] language plpgsql security definer"
        " set search_path to pg_catalog, pg_temp as $$ begin return polar_ai.ai_embedding('echo', 'a'); end $$"
    )
    db.run("set search_path to mine")
    assert db.value("select public.search()") == [1, 2]
    assert seen(service) == {"pg_catalog, pg_temp"}
    assert db.value("show search_path") == "mine"


def test_a_transform_function_that_calls_a_model_passes_the_path_on(db: Database, service: ScriptedServer) -> None:
    register_with_functions(db, service.url, "outer")
    db.run(
        "create or replace function public.outer_in(model text, content text) returns jsonb language plpgsql as $$"
        " begin perform polar_ai.ai_embedding('echo', content);"
        " return pg_catalog.jsonb_build_object('path', pg_catalog.current_setting('search_path')); end $$"
    )
    db.run(
        "select polar_ai.ai_altermodel('outer', model_in_transform_fn => 'public.outer_in(text, text)'::regprocedure)"
    )
    db.run(
        "create or replace function public.in_fn(model text, content text) returns jsonb language plpgsql as"
        " $$ begin return pg_catalog.jsonb_build_object('path', pg_catalog.current_setting('search_path')); end $$"
    )
    db.run("set search_path to mine")
    db.run("select polar_ai.ai_callmodel('outer', 'a'::pg_catalog.text)")
    assert len(service.requests) == 2 and seen(service) == {"mine"}


def test_an_error_in_a_transform_function_leaves_the_path_as_it_was(
    db: Database, service: ScriptedServer, failure: Callable[..., Failure]
) -> None:
    db.run(
        "create or replace function public.in_fn(model text, content text) returns jsonb language plpgsql as"
        " $$ begin raise exception 'mine' using errcode = '22012'; end $$"
    )
    db.run("set search_path to mine")
    assert failure(db, CALLS["ai_callmodel"]).sqlstate == "22012"
    assert db.value("show search_path") == "mine"
    caught = (
        "do $$ begin perform polar_ai.ai_callmodel('echo', 'a'::pg_catalog.text);"
        " exception when division_by_zero then"
        " perform pg_catalog.set_config('test.path', pg_catalog.current_setting('search_path'), false); end $$"
    )
    db.run(caught)
    assert db.value("select pg_catalog.current_setting('test.path')") == "mine"


def test_temporary_tables_of_the_caller_are_found(db: Database, service: ScriptedServer) -> None:
    db.run(
        "create or replace function public.in_fn(model text, content text) returns jsonb language plpgsql as"
        " $$ begin return pg_catalog.jsonb_build_object('path', (select t.x from things as t)); end $$"
    )
    db.run("create temporary table things (x text)")
    db.run("insert into things values ('mine')")
    db.run(CALLS["ai_callmodel"])
    assert seen(service) == {"mine"}
    db.run("drop table things")
