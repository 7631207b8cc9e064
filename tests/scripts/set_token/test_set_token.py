"""A token set by scripts/set_token is in no log, on a server that logs all it can."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator

import psycopg
import pytest

from scripts.common.paths import CHECKOUT
from scripts.programs.local_postgres.server import LocalPostgres
from tests.support.database import Database, new_database
from tests.support.server_log import log_of

SECRET = "sk-never-to-be-logged"
LOUD = {
    "log_statement": "all",
    "log_min_duration_statement": "0",
    "log_min_error_statement": "error",
    "log_parameter_max_length_on_error": "-1",
    "log_error_verbosity": "verbose",
}
SetToken = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def db(embedded_server: LocalPostgres, server: dict[str, str], template: str) -> Iterator[Database]:
    """A database of a server that logs every statement with its parameters."""
    with new_database(server, template) as database:
        database.run("select polar_ai.ai_createmodel('m', 'http://127.0.0.1:9', 'clip-as-service')")
        database.run("drop role if exists token_admin")
        database.run("create role token_admin login password 'p'; grant polar_ai_admin to token_admin")
        for name, value in LOUD.items():
            database.run(f"alter system set {name} = '{value}'")
        database.run("select pg_reload_conf()")
        yield database
        database.run("drop role token_admin")
        for name in LOUD:
            database.run(f"alter system reset {name}")
        database.run("select pg_reload_conf()")


@pytest.fixture
def set_token(db: Database) -> SetToken:
    """Run the script with a token on its standard input, as the superuser or as ``user``."""

    def run(*arguments: str, token: str = SECRET, user: str = "", **env: str) -> subprocess.CompletedProcess[str]:
        who = {"PGUSER": user, "PGPASSWORD": "p"} if user else {}
        return subprocess.run(
            [str(CHECKOUT / "scripts" / "set_token"), *arguments],
            env={**os.environ, **db.env, "POLARLENS_PYTHON": sys.executable, **who, **env},
            input=token + "\n",
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return run


@pytest.fixture
def logged(db: Database, embedded_server: LocalPostgres) -> Callable[[], str]:
    """Read what the server has logged since the test began."""
    return log_of(db, embedded_server.log)


def stored(db: Database) -> str:
    return "".join(token for (token,) in db.rows("select token from polar_ai.model_secrets"))


def test_a_parameter_is_logged_by_this_server_where_nobody_prevents_it(db: Database, logged: Callable[[], str]) -> None:
    with db.connect() as connection:
        connection.execute("select polar_ai.ai_setmodeltoken('nobody', %s)", [SECRET])
    assert SECRET in logged()  # or the tests below would prove nothing


def test_a_superusers_token_is_set_and_logged_nowhere(
    db: Database, set_token: SetToken, logged: Callable[[], str]
) -> None:
    done = set_token("m")
    assert (done.returncode, done.stdout, done.stderr) == (0, "The token of m is set.\n", "")
    assert stored(db) == SECRET
    assert SECRET not in logged() and "set_config" in logged()


def test_a_token_of_a_model_that_is_not_there_is_logged_nowhere(set_token: SetToken, logged: Callable[[], str]) -> None:
    done = set_token("nobody")
    assert done.returncode == 1 and "no model nobody" in done.stderr
    assert SECRET not in logged() + done.stdout + done.stderr


def test_an_administrator_is_told_what_would_be_logged_and_nothing_is_sent(
    db: Database, set_token: SetToken, logged: Callable[[], str]
) -> None:
    db.run("delete from polar_ai.model_secrets")
    done = set_token("m", user="token_admin")
    assert done.returncode == 1 and "log_statement = all" in done.stderr and "superuser" in done.stderr
    assert stored(db) == "" and SECRET not in logged() + done.stderr


def test_an_administrator_may_insist(db: Database, set_token: SetToken) -> None:
    db.run("delete from polar_ai.model_secrets")
    assert set_token("m", "--anyway", user="token_admin").returncode == 0
    assert stored(db) == SECRET


def test_an_administrator_sets_tokens_where_parameters_are_not_logged(
    db: Database, set_token: SetToken, logged: Callable[[], str]
) -> None:
    db.run("delete from polar_ai.model_secrets")
    db.run("alter role token_admin set log_parameter_max_length = 0")
    assert set_token("m", user="token_admin").returncode == 0
    db.run("alter role token_admin reset log_parameter_max_length")
    assert stored(db) == SECRET and SECRET not in logged()


def test_a_role_that_may_not_is_refused_without_the_token_in_the_log(
    db: Database, set_token: SetToken, logged: Callable[[], str]
) -> None:
    db.run("revoke polar_ai_admin from token_admin")
    db.run("alter role token_admin set log_parameter_max_length = 0")
    done = set_token("m", user="token_admin")
    db.run("grant polar_ai_admin to token_admin")
    db.run("alter role token_admin reset log_parameter_max_length")
    assert done.returncode == 1 and "permission denied" in done.stderr and "polar_ai_admin" in done.stderr
    assert SECRET not in logged() + done.stderr and "Traceback" not in done.stderr


def test_many_models_get_theirs_at_once(db: Database, set_token: SetToken) -> None:
    assert set_token("_dashscope%").returncode == 0
    assert db.value("select count(*) from polar_ai.model_secrets where model_id like '\\_dashscope%%'") == 6
    db.run("delete from polar_ai.model_secrets")


@pytest.mark.parametrize("arguments", [(), ("m", SECRET), ("--help",), ("",)], ids=["none", "a token", "help", "empty"])
def test_the_token_is_no_argument(set_token: SetToken, arguments: tuple[str, ...]) -> None:
    done = set_token(*arguments)
    assert done.returncode == 2 and "usage: scripts/set_token MODEL_ID" in done.stderr
    assert SECRET not in done.stdout + done.stderr


def test_no_token_changes_nothing(db: Database, set_token: SetToken) -> None:
    db.run("select polar_ai.ai_setmodeltoken('m', 'kept')")
    done = set_token("m", token="")
    assert done.returncode == 1 and "no token" in done.stderr and stored(db) == "kept"


def test_a_database_without_the_schema_is_told_apart(set_token: SetToken) -> None:
    done = set_token("m", PGDATABASE="postgres")
    assert done.returncode == 1 and "alembic upgrade head" in done.stderr and "Traceback" not in done.stderr


def test_a_server_that_is_not_there_is_named(set_token: SetToken) -> None:
    done = set_token("m", PGPORT="1")
    assert done.returncode == 1 and "Cannot connect" in done.stderr and "Traceback" not in done.stderr


def test_at_a_terminal_it_is_asked_for_and_not_shown(db: Database, logged: Callable[[], str]) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [str(CHECKOUT / "scripts" / "set_token"), "m"],
        env={**os.environ, **db.env, "POLARLENS_PYTHON": sys.executable},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    shown = b""
    while b"Token: " not in shown:
        shown += os.read(ours, 1000)
    os.write(ours, SECRET.encode() + b"\n")
    assert process.wait(30) == 0
    shown += os.read(ours, 1000)
    os.close(ours)
    assert b"is set" in shown and SECRET.encode() not in shown
    assert stored(db) == SECRET and SECRET not in logged()


@pytest.mark.parametrize(
    "statement",
    [
        "select polar_ai.ai_createmodel('_x', 'http://x', 'clip-as-service', model_config => '{{\"token\": \"{}\"}}')",
        "select polar_ai.ai_altermodel('m', model_url => 'nowhere', model_config => '{{\"token\": \"{}\"}}')",
        "select polar_ai.ai_altermodel('m', model_config => '{{\"token\": \"{}\"')",
        "select polar_ai.ai_createlocation('!', 'file:///', '{{}}', '{}')",
        "select polar_ai.ai_createlocation('x', 'nowhere:///', '{{}}', '{}')",
    ],
)
def test_a_statement_that_fails_with_a_token_in_it_is_not_logged(
    db: Database, logged: Callable[[], str], statement: str
) -> None:
    for setting in ("log_statement = 'none'", "log_min_duration_statement = -1"):
        db.run(f"alter role token_admin set {setting}")
    with db.connect(user="token_admin", password="p") as connection, pytest.raises(psycopg.Error) as error:
        connection.execute(statement.format(SECRET).encode())
    db.run("alter role token_admin reset all")
    assert SECRET not in logged() and SECRET not in str(error.value.diag.message_primary)
