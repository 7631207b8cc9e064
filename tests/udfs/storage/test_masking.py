"""Where the secret of an oss:// URL must not show, beyond the error itself; the warning where PostgreSQL shows it."""

from __future__ import annotations

import psycopg
import pytest

from scripts.programs.local_postgres.server import LocalPostgres
from tests.support.database import Database
from tests.support.locations import picture
from tests.support.oss_server import ACCESS_KEY, BUCKET, SECRET_KEY, OssStandIn
from tests.support.server_log import log_of

Oss = tuple[OssStandIn, str]
LOGGING = ["log_statement = 'all'", "log_min_duration_statement = 0"]


def direct(url: str, path: str = "2024/cat 1.jpg") -> str:
    return f"oss://{ACCESS_KEY}:{SECRET_KEY}@{url.partition('://')[2]}/{BUCKET}/{path}"


def said_to(db: Database, *statements: str) -> list[str]:
    """Run statements in a session of their own, and return its warnings and notices."""
    heard: list[str] = []
    with db.connect() as session:
        session.add_notice_handler(lambda said: heard.append(f"{said.severity}: {said.message_primary}"))
        for statement in statements:
            session.execute(statement.encode())
    return heard


@pytest.mark.parametrize("setting", LOGGING)
@pytest.mark.parametrize("call", ["ai_loadfile({})", "ai_thumbnail({})", "ai_presignurl({})"])
def test_a_server_that_logs_statements_is_warned_of_once_a_session(
    db: Database, oss: Oss, setting: str, call: str
) -> None:
    db.run("select polar_ai.ai_allow(%s)", oss[1])
    query = f"select polar_ai.{call.format(repr(direct(oss[1])))}"
    warnings = said_to(db, f"set {setting}", query, query)
    assert warnings == ["WARNING: this server logs its statements, and this one may hold the secret of an oss:// URL"]
    assert said_to(db, query) == []


def test_a_location_is_not_warned_of(db: Database, oss: Oss) -> None:
    assert said_to(db, "set log_statement = 'all'", "select polar_ai.ai_presignurl('https://example.com/x.jpg')") == []


def test_the_warning_itself_does_not_bring_the_secret_to_the_log(
    db: Database, oss: Oss, embedded_server: LocalPostgres
) -> None:
    db.run("select polar_ai.ai_allow(%s)", oss[1])
    read = log_of(db, embedded_server.log)
    with db.connect() as session:
        # The threshold that would write the statement of a warning, too.
        session.execute(b"set log_min_error_statement = warning")
        session.execute(b"set log_min_duration_statement = 1000000")
        session.execute(f"select polar_ai.ai_loadfile({direct(oss[1])!r})".encode())
    logged = read()
    assert "this server logs its statements" in logged
    assert SECRET_KEY not in logged


def test_the_articles_functions_show_it_in_no_context(db: Database, oss: Oss) -> None:
    # As the article has it: the key in a function's body, and the path from a table.
    db.run("select polar_ai.ai_allow(%s)", oss[1])
    head = direct(oss[1], "")
    db.run(
        f"""
        create or replace function pg_temp.in_sql(text) returns bytea language sql as
        $$ select polar_ai.ai_resizeimage(polar_ai.ai_loadfile('{head}' || $1), 512, 0) $$;
        create or replace function pg_temp.in_plpgsql(text) returns bytea language plpgsql as
        $$ declare url text; found bytea; begin
            url := '{head}' || $1;
            select polar_ai.ai_loadfile(url) into found;
            return found;
        end $$;
        """
    )
    for function in ("in_sql", "in_plpgsql"):
        with pytest.raises(psycopg.Error) as raised:
            db.rows(f"select pg_temp.{function}(path) from (values ('none.jpg')) as t (path)")
        said = raised.value.diag
        everything = (said.message_primary, said.message_detail, said.message_hint, said.context, said.internal_query)
        assert "there is no such object" in str(everything)
        assert SECRET_KEY not in str(everything)


def test_what_postgresql_itself_repeats_is_not_ours_to_mask(db: Database, oss: Oss) -> None:
    # Written down as it is: a literal in a statement of a PL/pgSQL block comes back in the block's CONTEXT.
    oss[0].objects.update({"2024/cat 1.jpg": picture("red")})
    db.run("select polar_ai.ai_allow(%s)", oss[1])
    with pytest.raises(psycopg.Error) as raised:
        db.run(f"do $$ begin perform polar_ai.ai_loadfile({direct(oss[1], 'none.jpg')!r}); end $$")
    assert SECRET_KEY not in f"{raised.value.diag.message_primary} {raised.value.diag.message_detail}"
    assert SECRET_KEY in (raised.value.diag.context or "")
    with db.connect() as other:
        shown = other.execute(b"select string_agg(query, ' ') from pg_stat_activity").fetchone()
    assert shown is not None
    assert SECRET_KEY in shown[0]
