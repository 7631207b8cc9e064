from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.database import Database
from tests.support.failure import Failure
from tests.support.models import NOT_BUILT_IN

Fails = Callable[..., Failure]
URL = "http://127.0.0.1:51000/post"


def create(db: Database, model_id: str = "clip", provider: str = "clip-as-service", **config: Any) -> tuple[Any, ...]:
    return db.rows(
        "select * from polar_ai.ai_createmodel(model_id => %s, model_url => %s, model_provider => %s,"
        " model_config => %s)",
        model_id,
        URL,
        provider,
        json.dumps(config),
    )[0]


def shown(db: Database, column: str, model_id: str = "clip") -> Any:
    return db.value(f"select {column} from polar_ai._ai_models where model_id = %s", model_id)


@pytest.fixture
def transforms(db: Database) -> None:
    db.run(
        "create or replace function public.in_fn(model text, content text) returns jsonb language sql"
        " return jsonb_build_object('model', model, 'input', content)"
    )
    db.run(
        "create or replace function public.out_fn(model_id text, response jsonb) returns jsonb language sql"
        " return response -> 'result'"
    )
    db.run("create or replace function public.bad_fn(a text) returns text language sql return a")


def test_a_model_is_registered_once(db: Database) -> None:
    first, second = create(db, dimension=512), create(db, dimension=9)
    assert first[1:] == ("polar_ai", "clip", "polar_ai.clip", True)
    assert second == (None, "polar_ai", "clip", "polar_ai.clip", False)
    assert shown(db, "model_config ->> 'dimension'") == "512"


def test_the_result_has_the_documented_columns(db: Database) -> None:
    query = "select model_seq, model_schema, model_id, model_qname, created from polar_ai.ai_createmodel('a/b', %s, 'x"
    assert db.rows(query.replace("'x", "'clip-as-service')"), URL)[0][3] == 'polar_ai."a/b"'


def test_names_are_case_insensitive_and_arguments_may_be_positional(db: Database, transforms: None) -> None:
    query = (
        "select (polar_ai.AI_CreateModel('a', %s, 'x', 'y', 'z', '{\"author_type\": \"token\", \"token\": \"t\"}',"
        " null, 'public.in_fn'::regproc, 'public.out_fn'::regproc)).created"
    )
    assert db.value(query, URL) is True
    assert db.rows(f"select model_provider, model_type, model_name from polar_ai._ai_models where {NOT_BUILT_IN}") == [
        ("x", "y", "z")
    ]
    assert shown(db, "model_in_transform_fn::text", "a") == "in_fn(text,text)"


def test_a_token_is_kept_apart_and_shows_only_as_set(db: Database) -> None:
    create(db, token="s3cret", author_type="token", dimension=2)
    create(db, "other")
    assert shown(db, "model_config ->> 'token'") == "********"
    assert shown(db, "model_config ->> 'token'", "other") == ""
    for table in ("models", "_ai_models"):
        assert "s3cret" not in str(db.rows(f"select * from polar_ai.{table}"))
    assert db.value("select token from polar_ai.model_secrets") == "s3cret"


def test_dropping_a_model_drops_its_token(db: Database) -> None:
    create(db, token="s3cret")
    assert db.value("select polar_ai.ai_dropmodel(model_id => 'clip')") is True
    assert db.value("select count(*) from polar_ai.model_secrets") == 0
    assert db.value("select polar_ai.ai_dropmodel('clip')") is False
    assert db.value("select polar_ai.ai_dropmodel(null)") is False


FAULTS = {
    "no id": ("null, 'http://x'", "22004", "model_id"),
    "reserved id": ("'_x', 'http://x'", "22023", "start with _"),
    "no URL": ("'x', null", "22004", "model_url"),
    "no http": ("'x', 'ftp://x'", "22023", "model_url"),
    "unknown provider": ("'x', 'http://x', 'nobody'", "22004", "'nobody' is not a known one"),
    "no provider": ("'x', 'http://x'", "22004", "NULL is not a known one"),
    "no object": ("'x', 'http://x', model_config => '[]'", "22023", "not a JSON object"),
    "author type": ("'x', 'http://x', model_config => '{\"author_type\": \"basic\"}'", "22023", "basic"),
    "input": ("'x', 'http://x', 'clip-as-service', model_config => '{\"input\": \"video\"}'", "22023", "video"),
    "one function": ("'x', 'http://x', model_in_transform_fn => 'public.in_fn'::regproc", "22004", "both"),
    "wrong shape": (
        "'x', 'http://x', model_in_transform_fn => 'public.bad_fn'::regproc,"
        " model_out_transform_fn => 'public.out_fn'::regproc",
        "42P13",
        "shape",
    ),
    "wrong headers": (
        "'x', 'http://x', 'clip-as-service', model_headers_fn => 'public.bad_fn'::regproc",
        "42P13",
        "model_headers_fn",
    ),
}


@pytest.mark.parametrize(("arguments", "sqlstate", "said"), FAULTS.values(), ids=FAULTS)
def test_what_could_not_work_is_refused(
    db: Database, failure: Fails, transforms: None, arguments: str, sqlstate: str, said: str
) -> None:
    error = failure(db, f"select polar_ai.ai_createmodel({arguments})")
    assert error.sqlstate == sqlstate and said in error.message
    assert db.value(f"select count(*) from polar_ai.models where {NOT_BUILT_IN}") == 0


def test_only_what_is_given_is_altered(db: Database) -> None:
    create(db, token="s3cret", dimension=512)
    before = db.rows("select * from polar_ai._ai_models")
    assert db.value("select polar_ai.ai_altermodel('clip')") is True
    assert db.rows("select * from polar_ai._ai_models") == before

    assert db.value("select polar_ai.ai_altermodel(model_id => 'clip', model_config => '{\"dimension\": 4}')") is True
    assert shown(db, "model_config ->> 'dimension'") == "4"
    assert shown(db, "model_config ->> 'token'") == "********"
    assert shown(db, "model_url") == URL

    assert db.value("select polar_ai.ai_altermodel('clip', model_config => '{\"token\": \"new\"}')") is True
    assert db.value("select token from polar_ai.model_secrets") == "new"


def test_altering_what_is_not_there_is_false(db: Database) -> None:
    assert db.value("select polar_ai.ai_altermodel('nobody', 'http://x')") is False


@pytest.mark.parametrize("arguments", ["model_url => 'x'", "model_config => '[]'", "model_provider => 'nobody'"])
def test_an_alteration_that_could_not_work_changes_nothing(db: Database, failure: Fails, arguments: str) -> None:
    create(db)
    before = db.rows("select * from polar_ai._ai_models")
    failure(db, f"select polar_ai.ai_altermodel('clip', {arguments})")
    assert db.rows("select * from polar_ai._ai_models") == before


def test_an_alteration_in_text_that_is_no_json_is_an_input_error(db: Database, failure: Fails) -> None:
    create(db)
    assert failure(db, "select polar_ai.ai_altermodel('clip', model_config => 'x')").sqlstate == "22P02"


def test_a_token_of_null_clears_it(db: Database) -> None:
    create(db, token="s3cret")
    assert db.value("select polar_ai.ai_altermodel('clip', model_config => '{\"token\": null}')") is True
    assert shown(db, "model_config ->> 'token'") == ""


def test_the_fingerprint_follows_the_model_and_not_where_it_runs(db: Database, transforms: None) -> None:
    create(db, dimension=512, batch_size=8)
    fingerprint = "select fingerprint from polar_ai._model('clip')"
    first = db.value(fingerprint)
    assert len(first) == 16

    for same in ("model_url => 'http://other/post'", 'model_config => \'{"dimension": 512, "batch_size": 9}\''):
        db.run(f"select polar_ai.ai_altermodel('clip', {same})")
        assert db.value(fingerprint) == first
    for other in ("model_name => 'b'", "model_config => '{\"dimension\": 4}'"):
        db.run(f"select polar_ai.ai_altermodel('clip', {other})")
        assert db.value(fingerprint) != first


def test_a_function_that_was_dropped_is_named(db: Database, failure: Fails, transforms: None) -> None:
    db.run(
        "select polar_ai.ai_createmodel('a', %s, model_in_transform_fn => 'public.in_fn'::regproc,"
        " model_out_transform_fn => 'public.out_fn'::regproc)",
        URL,
    )
    db.run("drop function public.in_fn")
    error = failure(db, "select polar_ai.ai_callmodel('a', 'x'::text)")
    assert error.sqlstate == "42883" and "public.in_fn(text,text) is gone" in error.message


def test_a_plain_user_sees_models_and_changes_none(db: Database, failure: Fails) -> None:
    create(db, token="s3cret")
    db.run("set role polar_ai_user")
    assert shown(db, "model_config ->> 'token'") == "********"
    for statement in (
        "select polar_ai.ai_createmodel('x', 'http://x', 'clip-as-service')",
        "select polar_ai.ai_altermodel('clip', 'http://evil.net')",
        "select polar_ai.ai_dropmodel('clip')",
        "select token from polar_ai.model_secrets",
        "update polar_ai.models set model_url = 'http://evil.net'",
    ):
        assert failure(db, statement).sqlstate == "42501"


def test_an_administrator_registers_and_never_reads_a_token(db: Database, failure: Fails) -> None:
    db.run("set role polar_ai_admin")
    assert create(db, token="s3cret")[4] is True
    assert db.value("select polar_ai.ai_dropmodel('clip')") is True
    assert failure(db, "select token from polar_ai.model_secrets").sqlstate == "42501"
