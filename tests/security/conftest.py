"""Every test of this folder is one attack: it passes where the attack is refused. The run ends with the count."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from psycopg import sql

from tests.security.house import ENVIRONMENT, PASSWORD, ROLES, SECRETS, House
from tests.support.database import Database, connect
from tests.support.http_server import Reply, Request, ScriptedServer
from tests.support.server import own_server

RESULTS: dict[str, bool] = {}  # by test: did the attack succeed?


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Count an attack; one that could not even be set up counts as not refused."""
    if "tests/security/" in report.nodeid and not report.skipped and (report.when == "call" or report.failed):
        RESULTS[report.nodeid] = RESULTS.get(report.nodeid, False) or report.failed


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many attacks were tried and how many succeeded."""
    if RESULTS:
        succeeded = [name for name, success in RESULTS.items() if success]
        terminalreporter.write_line(f"attacks: {len(RESULTS)} tried, {len(succeeded)} succeeded", bold=True)
        for name in succeeded:
            terminalreporter.write_line(f"  succeeded: {name}", red=True)


SETTINGS = {
    "shared_preload_libraries": "pg_stat_statements",
    "log_statement": "all",
    "log_min_duration_statement": "0",
    "log_min_error_statement": "error",
    "log_error_verbosity": "verbose",
}


def service(request: Request) -> Reply:
    """A model service, and a talkative one: what it was sent comes back with the embeddings."""
    if b"please fail" in request.body:
        return Reply(401, body=f"no such key: {request.headers.get('Authorization')}")
    items = request.json().get("data", [])
    embeddings = [{"embedding": [len(str(item)), 1]} for item in items]
    return Reply(body={"data": embeddings, "you sent": request.headers}, headers={"X-You-Sent": str(request.headers)})


@pytest.fixture(scope="session")
def house(open_folder: Path) -> Iterator[House]:
    """The database under attack, on a server of its own that logs every statement."""
    postgres = own_server(open_folder / "house")
    model_service = ScriptedServer(service)
    try:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in {**ENVIRONMENT, "POLARLENS_SERVER_ENV": ",".join(ENVIRONMENT)}.items():
                patch.setenv(name, value)
            env = postgres.start()
            with connect(env) as connection:
                db = Database(env, connection)
                db.alembic("upgrade", "head")
                key = _furnish(db, model_service.url, open_folder)
                # From here on everything is logged: nothing so far has been.
                for setting, value in SETTINGS.items():
                    db.run(f"alter system set {setting} = '{value}'")
            postgres.stop()
            postgres.start()
        with connect(env) as connection:
            db = Database(env, connection)
            db.run("create extension pg_stat_statements")
            # A setting of a library is known once the library is there.
            db.run(f"alter database {env['PGDATABASE']} set pg_stat_statements.track = 'all'")
            places = postgres.places()
            secrets = {**SECRETS, "the permits' key": key, "the owner's password": env["PGPASSWORD"]}
            yield House(db, places["log"], places["data"], model_service.url, secrets)
    finally:
        postgres.destroy()
        model_service.close()


def _furnish(db: Database, url: str, folder: Path) -> str:
    """Make the roles, the models and the locations; return the permits' key."""
    for role, groups in ROLES.items():
        db.connection.execute(sql.SQL("create role {} login password {}").format(sql.Identifier(role), PASSWORD))
        for group in groups:
            db.run(f"grant {group} to {role}")
    db.run("create extension pgcrypto")
    db.run(
        """
        create function public.body(model text, content text) returns jsonb language sql
        set search_path to pg_catalog return jsonb_build_object('data', jsonb_build_array(content));
        create function public.result(model_id text, response jsonb) returns jsonb language sql
        set search_path to pg_catalog return response #> '{data,0,embedding}';
        create function public.more_headers(model_id text) returns jsonb language sql
        set search_path to pg_catalog return coalesce(nullif(current_setting('attack.headers', true), ''), '{}')::jsonb;
        create function public.find(query text) returns integer language sql security definer
        set search_path to pg_catalog, pg_temp return cardinality(polar_ai.ai_embedding('open', query));
        revoke all on function public.find(text) from public;
        grant execute on function public.find(text) to reader;
        """
    )
    config = "model_config => jsonb_build_object('token', %s::text)::json"
    create = f"select polar_ai.ai_createmodel(%s, %s, 'clip-as-service', 'embedding', {config})"
    for model, token in [
        ("open", SECRETS["a model's token"]),
        ("revoked", SECRETS["a revoked model's token"]),
        ("theirs", SECRETS["another role's model's token"]),
        ("environment", "env:POLARLENS_TEST_TOKEN"),
    ]:
        db.run(create, model, f"{url}/{model}", token)
    db.run(
        f"select polar_ai.ai_createmodel('functions', %s, {config},"
        " model_headers_fn => 'public.more_headers'::regproc, model_in_transform_fn => 'public.body'::regproc,"
        " model_out_transform_fn => 'public.result'::regproc)",
        f"{url}/functions",
        SECRETS["a model's token"],
    )
    for model in ("revoked", "theirs"):
        db.run("select polar_ai.ai_revokemodel(%s, 'polar_ai_user')", model)
    db.run("select polar_ai.ai_grantmodel('theirs', 'them')")
    assert db.value("select count(*) from polar_ai.model_secrets where token like 'pgp:%'") == 4
    for name in ("shared", "closed"):
        db.run("select polar_ai.ai_createlocation(%s, %s, secret => %s)", name, url, SECRETS["a location's secret"])
    db.run("select polar_ai.ai_createlocation('folder', %s)", f"file://{folder}")
    db.run("select polar_ai.ai_grantlocation('shared', 'polar_ai_user')")
    return str(db.value("select key from polar_ai.permit_key"))


@pytest.fixture
def allowed(house: House) -> Iterator[Callable[[str], None]]:
    """Put entries on the allow-list for one test."""
    yield lambda entry: house.db.run("select polar_ai.ai_allow(%s)", entry)
    house.db.run("delete from polar_ai.allow_list")
