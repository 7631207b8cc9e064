"""Doing what a role may not: calling models, changing the registry, and the functions that run as the owner."""

from __future__ import annotations

import pytest

from tests.security.house import House

WEAK = ["outsider", "reader", "caller"]
REFUSED = "42501"

CALLS = {
    "callmodel": "select polar_ai.ai_callmodel('{m}', 'a'::text)",
    "callmodel by the old name": "select ganos_ai.ai_callmodel('{m}', 'a'::text)",
    "callmodels": "select polar_ai.ai_callmodels('{m}', array['a'])",
    "callmodel_raw": "select polar_ai.ai_callmodel_raw('{m}', 'a')",
    "embedding": "select polar_ai.ai_embedding('{m}', 'a')",
    "text_embedding": "select polar_ai.ai_text_embedding('a', '{m}')",
    "text_generation": "select polar_ai.ai_text_generation('a', '{m}')",
    "text_classification": "select polar_ai.ai_text_classification('a', '{m}')",
    "testmodel": "select polar_ai.ai_testmodel('{m}')",
    "embed": "select polarlens._embed('{m}', array['a'])",
    "embed ahead": "select polarlens._embed_ahead('{m}', array['a'], null, 4, null)",
    "permit": "select permit from polar_ai._model('{m}')",
}
# Permits that are made up: where the internal function answers with an error in a column, that is its refusal.
FORGED = ["''", "null", "'x'", "repeat('0', 64)", "(select permit from polar_ai._model('open'))", "'x'' or true --'"]
WITH_PERMIT = {
    "_post": "select error ->> 'sqlstate' from polar_ai._post('{m}', {p}, '{{}}', null)",
    "_post_many": "select error ->> 'sqlstate' from polar_ai._post_many('{m}', {p}, array['{{}}'], null, 1, 1)",
    "_embed_provider": "select error ->> 'sqlstate' from polar_ai._embed_provider('{m}', {p}, array['a'], null, 1, 2)",
    "_embed_bytes": "select error ->> 'sqlstate' from polar_ai._embed_bytes('{m}', {p}, array['a'::bytea], null, 1, 2)",
    "_embed_one": "select error ->> 'sqlstate' from polar_ai._embed_one('{m}', {p}, '', 'a')",
    "_call_provider": "select error ->> 'sqlstate' from polar_ai._call_provider('{m}', {p}, 'a')",
    "_call_raw": "select error ->> 'sqlstate' from polar_ai._call_raw('{m}', {p}, null, 'a', null)",
    "_probe": "select error ->> 'sqlstate' from polar_ai._probe('{m}', {p})",
}
INTERNAL = {
    "_permit": "select polar_ai._permit('revoked')",
    "_create_permit": "select polar_ai._create_permit('revoked', 1)",
    "_store_token": "select polar_ai._store_token('open', 'x')",
    "_seal_token": "select polar_ai._seal_token('x')",
    "_model_seq": "select polar_ai._model_seq('open')",
    "_check_model": "select polar_ai._check_model('x', 'http://x', 'x', '{}', null, null, null)",
    "_permit_N": "select polar_ai._permit_{revoked}()",
    "a permit's grant": "grant execute on function polar_ai._permit_{revoked}() to current_user",
    "a permit's owner": "alter function polar_ai._permit_{revoked}() owner to current_user",
    "a permit's body": "create or replace function polar_ai._permit_{revoked}() returns text language sql"
    " as 'select null'",
    "a permit of one's own": "create function polar_ai._permit_99() returns text language sql as 'select null'",
    "the runtime": "create or replace function polar_ai._load_runtime() returns void language sql as ''",
    "a function's settings": "alter function polar_ai._post(text, text, text, text) reset all",
    "a transform function": "create or replace function public.body(model text, content text) returns jsonb"
    " language sql as 'select null::jsonb'",
    "a transform function's end": "drop function public.result(text, jsonb)",
    "a model's row": "update polar_ai.models set model_url = 'http://evil.net'",
    "a model's row by merge": "insert into polar_ai.models (model_id, model_url, model_name)"
    " values ('x', 'http://x', 'x')",
    "a model's row by copy": "copy polar_ai.models from stdin",
    "all models": "truncate polar_ai.models cascade",
    "a token's row": "insert into polar_ai.model_secrets values ('open', 'x')",
    "a location's row": "update polar_ai.locations set url = 'http://evil.net'",
    "a location's secret": "update polar_ai.location_secrets set secret = 'x'",
    "_create_location_permit": "select polar_ai._create_location_permit('closed', 2)",
    "_store_location_secret": "select polar_ai._store_location_secret('shared', 'x')",
    "_check_location": "select polar_ai._check_location('x', 'file:///', '{}', null)",
    "an entry's row": "insert into polar_ai.allow_list values ('file:///')",
    "the view": "create or replace view polar_ai._ai_models as select 1 as model_seq",
    "a trigger": "create trigger t before update on polar_ai.models execute function"
    " suppress_redundant_updates_trigger()",
    "a rule": "create rule r as on select to polar_ai.models do instead select 1",
    "a policy": "alter table polar_ai.models enable row level security",
    "a table of one's own": "create table polar_ai.models2 ()",
    "the schema": "alter schema polar_ai rename to x",
    "the old name's schema": "create function ganos_ai.ai_callmodel(text, text) returns jsonb language sql"
    " as 'select null::jsonb'",
    "a role": "grant polar_ai_admin to current_user",
    "the owner": "set role postgres",
}
# What a location needs: granted to all callers is shared, and to none closed.
LOCATIONS = {
    "loadfile": "select polar_ai.ai_loadfile('closed:a.jpg')",
    "loadfile by the old name": "select ganos_ai.ai_loadfile('closed:a.jpg')",
    "thumbnail": "select polar_ai.ai_thumbnail('closed:a.jpg')",
    "presignurl": "select polar_ai.ai_presignurl('closed:a.jpg')",
    "listfiles": "select polar_ai.ai_listfiles('closed')",
    "testlocation": "select polar_ai.ai_testlocation('closed')",
    "a folder": "select polar_ai.ai_loadfile('folder:key.pem')",
    "a folder's listing": "select polar_ai.ai_listfiles('folder')",
}
WITH_PERMITS = {
    "_load_file": "select error ->> 'sqlstate' from polar_ai._load_file('closed:a.jpg', 100, {p})",
    "_load_thumbnails": "select error ->> 'sqlstate' from polar_ai._load_thumbnails(array['closed:a.jpg'], 10, {p})",
    "_presign_url": "select error ->> 'sqlstate' from polar_ai._presign_url('closed:a.jpg', 10, {p})",
    "_list_files": "select error ->> 'sqlstate' from polar_ai._list_files('closed', '', {p})",
    "_test_location": "select error ->> 'sqlstate' from polar_ai._test_location('closed', {p})",
}
FORGED_PERMITS = [
    "''",
    "null",
    "' closed:'",
    "' closed:' || repeat('0', 64)",
    "polar_ai._location_permits()",
    "' closed:' || split_part(polar_ai._location_permits('shared'), ':', 2)",
    "' closed:' || (select permit from polar_ai._model('open'))",
    "'closed:x'' or true --'",
]
FOR_ADMINS = {
    "createmodel": "select polar_ai.ai_createmodel('mine', 'http://evil.net', 'clip-as-service')",
    "altermodel": "select polar_ai.ai_altermodel('open', 'http://evil.net')",
    "altermodel by the old name": "select ganos_ai.ai_altermodel('open', 'http://evil.net')",
    "dropmodel": "select polar_ai.ai_dropmodel('open')",
    "setmodeltoken": "select polar_ai.ai_setmodeltoken('%', 'x')",
    "allow": "select polar_ai.ai_allow('file:///')",
    "allow by the old name": "select ganos_ai.ai_allow('file:///')",
    "disallow": "select polar_ai.ai_disallow('https://*')",
    "createlocation": "select polar_ai.ai_createlocation('mine', 'file:///')",
    "alterlocation": "select polar_ai.ai_alterlocation('shared', 'http://evil.net')",
    "droplocation": "select polar_ai.ai_droplocation('shared')",
    "grantlocation": "select polar_ai.ai_grantlocation('closed', 'polar_ai_user')",
    "revokelocation": "select polar_ai.ai_revokelocation('shared', 'polar_ai_user')",
    "grantmodel": "select polar_ai.ai_grantmodel('revoked', 'polar_ai_user')",
    "revokemodel": "select polar_ai.ai_revokemodel('open', 'polar_ai_user')",
}


@pytest.mark.parametrize("model", ["revoked", "theirs"])
@pytest.mark.parametrize("statement", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("role", WEAK)
def test_a_model_that_was_not_granted_is_not_called(house: House, role: str, statement: str, model: str) -> None:
    assert house.attack(role, statement.format(m=model)).sqlstate == REFUSED


@pytest.mark.parametrize("statement", LOCATIONS.values(), ids=LOCATIONS)
@pytest.mark.parametrize("role", WEAK)
def test_a_location_that_was_not_granted_is_not_used(house: House, role: str, statement: str) -> None:
    assert house.attack(role, statement).sqlstate == REFUSED


@pytest.mark.parametrize("permits", FORGED_PERMITS)
@pytest.mark.parametrize("statement", WITH_PERMITS.values(), ids=WITH_PERMITS)
def test_a_locations_permit_is_not_forged(house: House, statement: str, permits: str) -> None:
    seen = house.attack("caller", statement.format(p=permits))
    assert seen.rows == [(REFUSED,)] or seen.sqlstate == REFUSED, seen.text


def test_many_thumbnails_need_the_location_as_one_does(house: House) -> None:
    statement = "select error ->> 'sqlstate' from polarlens._thumbnails(array['closed:a.jpg', 'folder:key.pem'], 10)"
    assert house.attack("caller", statement).rows == [(REFUSED,)] * 2


@pytest.mark.parametrize("location", ["_location closed", "_location shared"])
def test_no_model_can_be_made_whose_permit_opens_a_location(house: House, location: str) -> None:
    create = "select polar_ai.ai_createmodel(%s, 'http://127.0.0.1:9', 'clip-as-service')"
    assert house.attack("admin", create, parameters=(location,)).sqlstate == "22023"


def test_a_model_granted_to_a_role_is_called_by_that_role(house: House) -> None:
    assert house.attack("them", CALLS["callmodel"].format(m="theirs")).rows  # or the table above would prove nothing


@pytest.mark.parametrize("permit", FORGED)
@pytest.mark.parametrize("statement", WITH_PERMIT.values(), ids=WITH_PERMIT)
def test_a_permit_is_not_forged(house: House, statement: str, permit: str) -> None:
    seen = house.attack("caller", statement.format(m="revoked", p=permit))
    assert seen.rows == [(REFUSED,)] or seen.sqlstate == REFUSED, seen.text


@pytest.mark.parametrize("statement", WITH_PERMIT.values(), ids=WITH_PERMIT)
@pytest.mark.parametrize("role", ["outsider", "reader"])
def test_an_internal_function_is_not_called(house: House, role: str, statement: str) -> None:
    assert house.attack(role, statement.format(m="open", p="null")).sqlstate == REFUSED


def test_a_permit_does_not_outlive_its_transaction(house: House) -> None:
    permit = house.attack("caller", "select permit from polar_ai._model('open')").rows[0][0]
    seen = house.attack("caller", WITH_PERMIT["_post"].format(m="open", p=f"'{permit}'"))
    assert seen.rows == [(REFUSED,)]


def test_a_permit_does_not_leave_its_session(house: House) -> None:
    with house.connect("them") as one, one.transaction():
        permit = one.execute("select permit from polar_ai._model('theirs')").fetchone()
        assert permit
        seen = house.attack("caller", WITH_PERMIT["_post"].format(m="theirs", p=f"'{permit[0]}'"))
    assert seen.rows == [(REFUSED,)]


@pytest.mark.parametrize("statement", INTERNAL.values(), ids=INTERNAL)
@pytest.mark.parametrize("role", [*WEAK, "admin"])
def test_what_is_the_owners_is_left_alone(house: House, role: str, statement: str) -> None:
    seq = house.db.value("select model_seq from polar_ai.models where model_id = 'revoked'")
    seen = house.attack(role, "begin", statement.replace("{revoked}", str(seq)))
    assert seen.sqlstate in (REFUSED, "42809"), seen.text  # 42809: views cannot be made of tables any more


@pytest.mark.parametrize("statement", FOR_ADMINS.values(), ids=FOR_ADMINS)
@pytest.mark.parametrize("role", WEAK)
def test_the_registry_is_changed_by_administrators_only(house: House, role: str, statement: str) -> None:
    assert house.attack(role, "begin", statement).sqlstate == REFUSED


def test_a_reader_gets_what_the_search_function_gives_and_no_more(house: House) -> None:
    assert house.attack("reader", "select public.find('a truck')").rows == [(2,)]
    for statement in ("select polar_ai.ai_embedding('open', 'a')", "select * from polar_ai.models"):
        assert house.attack("reader", "begin", statement).sqlstate == REFUSED


# --- SQL in the place of a name ----------------------------------------------------------------------

NAMES = [
    "x'; drop table polar_ai.models; --",
    'x"; drop table polar_ai.models; --',
    "$$; drop table polar_ai.models; --",
]
NAMES += [
    "\\'; drop table polar_ai.models; --",
    "%s %I %L %1$s",
    "x\u0000".replace("\u0000", "\\000"),
    "a" * 10_000,
    "'",
    '"',
]
TAKING_A_NAME = {
    "model_id of a call": ("caller", "select polar_ai.ai_callmodel(%s, 'x'::text)"),
    "model_id of a batch": ("caller", "select polar_ai.ai_callmodels(%s, array['x'])"),
    "model_id of a test": ("caller", "select polar_ai.ai_testmodel(%s)"),
    "content": ("caller", "select polar_ai.ai_callmodel('functions', %s::text)"),
    "path": ("caller", "select polar_ai.ai_loadfile(%s)"),
    "base64": ("caller", "select polar_ai.ai_imagefrombase64(%s)"),
    "model_id of a registration": (
        "admin",
        "select polar_ai.ai_createmodel(%s, 'http://127.0.0.1:9', 'clip-as-service')",
    ),
    "url of a registration": ("admin", "select polar_ai.ai_createmodel('injected', %s, 'clip-as-service')"),
    "provider": ("admin", "select polar_ai.ai_createmodel('injected', 'http://127.0.0.1:9', %s)"),
    "transform function": (
        "admin",
        "select polar_ai.ai_createmodel('injected', 'http://127.0.0.1:9', model_in_transform_fn => %s::regprocedure)",
    ),
    "model_id of a token": ("admin", "select polar_ai.ai_setmodeltoken(%s, 'x')"),
    "model_id of a grant": ("admin", "select polar_ai.ai_grantmodel(%s, 'polar_ai_user')"),
    "grantee": ("admin", "select polar_ai.ai_grantmodel('open', %s)"),
    "grantee of a revocation": ("admin", "select polar_ai.ai_revokemodel('open', %s)"),
    "model_id to drop": ("admin", "select polar_ai.ai_dropmodel(%s)"),
    "entry": ("admin", "select polar_ai.ai_allow(%s)"),
    "note": ("admin", "select polar_ai.ai_allow('https://injected.example', %s)"),
}


@pytest.mark.parametrize("name", NAMES, ids=[name[:12] for name in NAMES])
@pytest.mark.parametrize(("role", "statement"), TAKING_A_NAME.values(), ids=TAKING_A_NAME)
def test_sql_in_a_name_is_a_name(house: House, role: str, statement: str, name: str) -> None:
    before = house.db.rows("select model_id, model_url from polar_ai.models order by 1")
    rights = house.db.value("select count(*) from pg_proc where proacl::text like '%polar_ai_user%'")
    house.attack(role, "begin", statement, parameters=(name,))
    assert house.db.rows("select model_id, model_url from polar_ai.models order by 1") == before
    assert house.db.value("select count(*) from pg_proc where proacl::text like '%polar_ai_user%'") == rights


@pytest.mark.parametrize("name", NAMES[:5], ids=[name[:12] for name in NAMES[:5]])
def test_a_model_with_sql_in_its_id_lives_and_dies_as_any_other(house: House, name: str) -> None:
    create = "select polar_ai.ai_createmodel(%s, %s, 'clip-as-service')"
    assert house.attack("admin", create, parameters=(name, house.url)).sqlstate is None
    assert house.attack("caller", "select polar_ai.ai_embedding(%s, 'a')", parameters=(name,)).rows
    assert house.attack("admin", "select polar_ai.ai_revokemodel(%s, 'polar_ai_user')", parameters=(name,)).rows
    refused = house.attack("caller", "select polar_ai.ai_embedding(%s, 'a')", parameters=(name,))
    assert house.attack("admin", "select polar_ai.ai_dropmodel(%s)", parameters=(name,)).rows == [(True,)]
    assert refused.sqlstate == REFUSED
