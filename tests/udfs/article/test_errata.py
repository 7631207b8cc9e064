"""What the article gets wrong, as it is printed: a clear error, or what the documents say."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest

from tests.support.clip import ColourClip
from tests.support.database import Database
from tests.support.failure import Failure
from tests.support.http_server import ScriptedServer

Fails = Callable[..., Failure]

TEXT_IN = """
CREATE OR REPLACE FUNCTION clip_text_embedding_in(model text, setence text)
    RETURNS jsonb
    LANGUAGE plpgsql
    AS $function$
    BEGIN
    RETURN ('{"data": [{"text": "' ||setence || '"}]}')::jsonb;
    END;
    $function$;
"""
OUT = """
CREATE OR REPLACE FUNCTION clip_embedding_out(model_id text, response_json jsonb)
    RETURNS jsonb
    AS $$ select (((((response_json)->>'data')::jsonb->0)::jsonb)->>'embedding')::jsonb as result $$
    LANGUAGE 'sql' IMMUTABLE;
"""
EMBEDDING = """
CREATE OR REPLACE FUNCTION clip_text_embedding(text text)
    RETURNS float4[]
    AS $$ select array(
    select json_array_elements_text(polar_ai.AI_CALLMODEL('embedding/clip_text',$1)::json))::float4[] $$
    LANGUAGE 'sql' IMMUTABLE;
"""
CREATE = """
SELECT (polar_ai.ai_createmodel('embedding/clip_text', %s, 'other', 'embedding', 'clip',
'{"author_type": "token", "token": "my_token"}', NULL, 'clip_text_embedding_in'::regproc,
'clip_embedding_out'::regproc)).created
"""


@pytest.fixture
def article(db: Database, http_server: Callable[..., ScriptedServer]) -> Iterator[Database]:
    """The article's text model as printed."""
    db.run('set search_path = "$user", public, polar_ai')
    db.run(TEXT_IN)
    db.run(OUT)
    assert db.value(CREATE, http_server(ColourClip()).url)
    db.run(EMBEDDING)
    yield db
    db.run("reset search_path")
    db.run("drop table if exists images")


@pytest.mark.parametrize("text", ['a "white" truck', "a back\\slash", "two\nlines", "a\ttab"])
def test_json_by_concatenation_breaks_with_the_functions_name(article: Database, failure: Fails, text: str) -> None:
    error = failure(article, "select polar_ai.ai_callmodel('embedding/clip_text', %s::text)", text)
    assert error.sqlstate == "22P02" and "json" in error.message
    assert "clip_text_embedding_in" in str(error.context)


def test_json_by_concatenation_lets_a_text_be_more_than_a_text(article: Database) -> None:
    injected = '"}, {"text": "red'
    assert article.value("select polar_ai.ai_callmodel('embedding/clip_text', %s::text)", injected)  # the first of two


def test_a_comment_that_swallows_the_closing_parenthesis_is_a_syntax_error(db: Database, failure: Fails) -> None:
    assert (
        failure(db, CREATE.rstrip().removesuffix(").created") + "--输出函数).created", "http://x").sqlstate == "42601"
    )


def test_a_trailing_comma_is_a_syntax_error(db: Database, failure: Fails) -> None:
    error = failure(db, "CREATE TABLE images(id serial,\nurl text,\nembedding vector(512),\n);")
    assert error.sqlstate == "42601" and "syntax error" in error.message


def test_a_condition_that_is_none_is_a_type_error(article: Database, failure: Fails) -> None:
    article.run("create table images (id serial, url text, embedding vector(4))")
    assert failure(article, "SELECT id, url FROM images WHERE url").sqlstate == "42804"


def test_the_schemas_former_name_answers_as_the_schema_does(article: Database) -> None:
    both = [f"{schema}.AI_CALLMODEL('embedding/clip_text', 'red'::text)" for schema in ("ganos_ai", "polar_ai")]
    assert article.value(f"select {both[0]} = {both[1]}") is True


@pytest.mark.parametrize(("order", "first"), [("", "red"), ("DESC", "green")])
def test_descending_order_returns_the_farthest(article: Database, order: str, first: str) -> None:
    article.run("create table images (id serial, url text, embedding vector(4))")
    article.run("insert into images (url) values ('red'), ('green'), ('blue')")
    article.run("update images set embedding = clip_text_embedding(url)::vector(4)")
    article.run("CREATE INDEX ON images USING hnsw (embedding vector_l2_ops)")
    query = f"SELECT url FROM images ORDER BY embedding <-> clip_text_embedding('red')::vector(4) {order} limit 10"
    article.run("set enable_seqscan = off")
    plan = "\n".join(line for (line,) in article.rows(f"explain {query}"))
    article.run("reset enable_seqscan")
    assert article.value(query) in ({"red"} if first == "red" else {"green", "blue"})
    assert ("Index Scan" in plan) == (order == "")


def test_a_password_in_a_functions_body_can_be_read_by_everybody(db: Database) -> None:
    # Why the article's oss:// URL with its keys was mended: PostgreSQL shows every function's body to every role.
    db.run("create function public.leaky() returns text language sql as 'select ''oss://ak:sk@endpoint/x'''")
    db.run("set role polar_ai_user")
    assert "ak:sk" in db.value("select prosrc from pg_proc where proname = 'leaky'")
    db.run("reset role")


@pytest.mark.parametrize(
    "url", ["oss://ak:sekrit@endpoint-internal/bucket/a.jpg", "OSS://ak:sekrit@endpoint/bucket/a.jpg"]
)
def test_an_object_store_that_is_not_allowed_is_refused_without_its_keys(
    db: Database, failure: Fails, url: str
) -> None:
    error = failure(db, "select polar_ai.ai_loadfile(%s)", url)
    assert error.sqlstate in ("42501", "22023") and "sekrit" not in error.everything


def test_a_dimension_of_another_model_is_a_clear_error(article: Database, failure: Fails) -> None:
    error = failure(article, "select clip_text_embedding('red')::vector(512)")
    assert error.sqlstate == "22000" and "expected 512 dimensions, not 4" in error.message


def test_a_content_of_unknown_type_asks_for_a_cast(article: Database) -> None:
    with pytest.raises(psycopg.errors.DatatypeMismatch):
        article.connection.execute("select polar_ai.AI_CALLMODEL('embedding/clip_text', 'red')")


def test_an_immutable_wrapper_is_allowed_as_the_article_has_it(article: Database) -> None:
    assert article.value("select clip_text_embedding('red')")[0] == 1.0
