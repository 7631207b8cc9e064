"""What goes beyond POLAR_AI's surface: lists, trials, batches, raw calls, grants, bytes as content."""

from __future__ import annotations

import base64
from collections.abc import Callable

import psycopg
import pytest

from tests.support.clip import ColourClip
from tests.support.database import Database, new_role
from tests.support.http_server import Reply, ScriptedServer
from tests.support.pictures import picture

Start = Callable[..., ScriptedServer]


def register(database: Database, server: ScriptedServer, model_id: str, kind: str) -> None:
    database.run(
        "select polar_ai.ai_createmodel(%s, %s, 'clip-as-service', 'embedding', 'colours', %s::json)",
        model_id,
        server.url + "/post",
        f'{{"input": "{kind}"}}',
    )


@pytest.fixture
def clip(database: Database, http_server: Start) -> ColourClip:
    handler = ColourClip()
    server = http_server(handler)
    register(database, server, "text", "text")
    register(database, server, "image", "image")
    return handler


def test_bytes_and_data_urls_are_images_too(database: Database, clip: ColourClip) -> None:
    red = picture()
    by_bytes = database.value("select polar_ai.ai_callmodel('image', %s::bytea)", red)
    by_url = database.value(
        "select polar_ai.ai_callmodel('image', %s::text)", "data:image/png;base64," + base64.b64encode(red).decode()
    )
    assert by_bytes == by_url
    assert len(by_bytes) == 4


def test_a_batch_gives_a_row_for_each_item_in_order(database: Database, clip: ColourClip) -> None:
    rows = database.rows(
        "select item, embedding, error, sqlstate from polar_ai.ai_callmodels('text', array['red', '', null, 'blue'])"
    )
    assert [row[0] for row in rows] == [1, 2, 3, 4]
    assert rows[0][1][:3] == [1, 0, 0]
    assert rows[3][1][:3] == [0, 0, 1]
    assert [row[3] for row in rows] == [None, "22023", "22023", None]
    assert "empty" in rows[1][2]


def test_numbers_too_small_for_32_bits_become_zero(database: Database, http_server: Start) -> None:
    server = http_server(lambda request: Reply(body={"data": [{"embedding": [1.0, 1e-300]}], "header": None}))
    register(database, server, "tiny", "text")
    assert database.value("select embedding from polar_ai.ai_callmodels('tiny', array['x'])") == [1, 0]


def test_a_trial_tells_the_dimension_or_the_error(database: Database, clip: ColourClip) -> None:
    assert database.rows("select ok, dimension, error, milliseconds > 0 from polar_ai.ai_testmodel('text')") == [
        (True, 4, None, True)
    ]
    assert database.rows("select ok, dimension from polar_ai.ai_testmodel('image')") == [(True, 4)]
    clip.intercept = lambda request: Reply(401, "who are you")
    ok, error = database.rows("select ok, error from polar_ai.ai_testmodel('text')")[0]
    assert ok is False
    assert "401" in error


def test_a_raw_call_shows_the_answer_whatever_it_is(database: Database, clip: ColourClip) -> None:
    clip.intercept = lambda request: Reply(418, "short and stout", {"X-Kind": "teapot", "Set-Cookie": "secret"})
    status, headers, body = database.rows("select status, headers, body from polar_ai.ai_callmodel_raw('text', 'tea')")[
        0
    ]
    assert (status, body) == (418, "short and stout")
    assert headers["X-Kind"] == "teapot"
    assert "Set-Cookie" not in headers


def test_the_list_tells_what_may_be_called_and_the_cache_what_was(database: Database, clip: ColourClip) -> None:
    listed = dict(database.rows("select model_id, callable from polar_ai.ai_listmodels()"))
    assert listed["text"] is True
    assert "_dashscope/text_embedding/text_embedding_v2" in listed
    with database.connect() as session:
        session.execute("select polar_ai.ai_embedding('text', 'red')")
        session.execute("select polar_ai.ai_testmodel('image')")
        kept = session.execute("select polar_ai.ai_modelcachelists()").fetchone()
        assert kept == ("model cache count 2, cache list is : text;image;",)
        session.execute("set polar.ai.lru_entity_size = 1")
        session.execute("select polar_ai.ai_testmodel('image')")
        kept = session.execute("select polar_ai.ai_modelcachelists()").fetchone()
        assert kept == ("model cache count 1, cache list is : image;",)


def test_a_model_can_be_granted_to_some_only(database: Database, clip: ColourClip) -> None:
    user = "in role polar_ai_user"
    with new_role(database, user) as one, new_role(database, user) as other:
        database.run("select polar_ai.ai_revokemodel('text', 'polar_ai_user')")
        database.run("select polar_ai.ai_grantmodel('text', %s)", one)
        with database.connect() as session:
            session.execute(f"set role {one}")
            assert session.execute("select polar_ai.ai_embedding('text', 'red')").fetchone() is not None
            session.execute(f"set role {other}")
            with pytest.raises(psycopg.errors.InsufficientPrivilege) as refused:
                session.execute("select polar_ai.ai_embedding('text', 'red')")
            assert "permission denied for model text" in str(refused.value)
            assert "ai_grantmodel" in str(refused.value.diag.message_hint)
            assert session.execute("select polar_ai.ai_testmodel('image')").fetchone() is not None
