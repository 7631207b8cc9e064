"""Reading a secret: tokens, the key that encrypts them, the key of the permits, the server's password and log."""

from __future__ import annotations

import pytest

from tests.security.house import House
from tests.support.server_log import log_of

REFUSED = "42501"
WEAK = ["outsider", "reader", "caller"]
EVERYBODY = [*WEAK, "admin"]
CALL = "select polar_ai.ai_callmodel('open', 'a'::text)"

# name: (roles, SQL, the refusal's SQLSTATE; None where an answer may come that shows no secret)
READING = {
    "the table of secrets": (EVERYBODY, "select * from polar_ai.model_secrets", REFUSED),
    "the table of secrets, by copy": (EVERYBODY, "copy polar_ai.model_secrets to stdout", REFUSED),
    "one column of the secrets": (EVERYBODY, "select token from polar_ai.model_secrets limit 1", REFUSED),
    "the secrets in a returning clause": (EVERYBODY, "delete from polar_ai.model_secrets returning token", REFUSED),
    "the locations' secrets": (EVERYBODY, "select * from polar_ai.location_secrets", REFUSED),
    "the locations": (["caller", "admin"], "select polar_ai.ai_listlocations()", None),
    "a location's secret by its internal function": (["caller"], "select polar_ai._location_secret('shared')", None),
    "a signed URL of a location": (["caller"], "select polar_ai.ai_presignurl('shared:a.jpg')", "22023"),
    "a location's error": (["caller"], "select polar_ai.ai_thumbnail('shared:a.jpg')", None),
    "a location's test": (["admin"], "select polar_ai.ai_testlocation('shared')", None),
    "the permits' key": (EVERYBODY, "select key from polar_ai.permit_key", REFUSED),
    "a table with the secrets as its parent": (
        EVERYBODY,
        "create temp table t () inherits (polar_ai.model_secrets)",
        REFUSED,
    ),
    "a foreign key as an oracle": (
        EVERYBODY,
        "create temp table t (model_id text references polar_ai.model_secrets)",
        None,
    ),
    "the statistics of the planner": (EVERYBODY, "select * from pg_stats where schemaname = 'polar_ai'", None),
    "the raw statistics": (EVERYBODY, "select * from pg_statistic", REFUSED),
    "the registry": (["outsider", "reader"], "select * from polar_ai._ai_models", REFUSED),
    "the registry of a user": (["caller", "admin"], "select v::text from polar_ai._ai_models as v", None),
    "the registry's base table": (["caller", "admin"], "select m::text from polar_ai.models as m", None),
    "the list of models": (["caller", "admin"], "select polar_ai.ai_listmodels()", None),
    "the registry through a leaking function": (
        ["caller", "admin"],
        "select count(*) from polar_ai._ai_models as v where cast(v.model_config ->> 'token' as integer) = 1",
        None,
    ),
    "the definition of the view": (EVERYBODY, "select pg_get_viewdef('polar_ai._ai_models'::regclass)", None),
    "the sources of all functions": (EVERYBODY, "select prosrc, pg_get_function_sqlbody(oid) from pg_proc", None),
    "the comments": (EVERYBODY, "select description from pg_description", None),
    "the settings": (EVERYBODY, "select * from pg_settings", None),
    "the settings of roles": (EVERYBODY, "select * from pg_db_role_setting", None),
    "the cached models": (["caller", "admin"], "select polar_ai.ai_modelcachelists()", None),
    "statistics of statements": (EVERYBODY, "select * from pg_stat_statements", None),
    "other sessions' statements": (EVERYBODY, "select * from pg_stat_activity", None),
    "prepared statements": (EVERYBODY, "select * from pg_prepared_statements", None),
    "memory contexts of the session": (EVERYBODY, "select * from pg_backend_memory_contexts", REFUSED),
    "large objects and temporary files": (EVERYBODY, "select * from pg_ls_tmpdir()", REFUSED),
    "the server's log by its own function": (EVERYBODY, "select * from pg_ls_logdir()", REFUSED),
    "a plan": (EVERYBODY, f"explain (verbose) {CALL}", None),
    "a plan that runs": (["caller"], f"explain (analyze, verbose, buffers) {CALL}", None),
    "the plan of the view": (["caller"], "explain (analyze, verbose) select * from polar_ai._ai_models", None),
    "the environment by copy": (EVERYBODY, "copy (select 1) to program 'env'", REFUSED),
    "the environment by file": (EVERYBODY, "select pg_read_file('/proc/self/environ')", REFUSED),
    "the environment by a function of one's own": (
        EVERYBODY,
        "create function pg_temp.f() returns text language plpython3u as 'import os; return str(os.environ)'",
        REFUSED,
    ),
    "the environment by an anonymous block": (EVERYBODY, "do 'plpy.notice(GD)' language plpython3u", REFUSED),
    "a model's echo of its token": (["caller"], "select polar_ai.ai_callmodel_raw('open', 'a')", None),
    "a model's echo through functions": (["caller"], "select polar_ai.ai_callmodel_raw('functions', 'a')", None),
    "a model's echo of an environment's token": (
        ["caller"],
        "select polar_ai.ai_callmodel_raw('environment', 'a')",
        None,
    ),
    "a model's echo through the internal function": (
        ["caller"],
        "select polar_ai._post('open', (select permit from polar_ai._model('open')), '{\"data\": []}', null)",
        None,
    ),
    "a model's echo in many answers": (
        ["caller"],
        "select polar_ai._post_many('open', (select permit from polar_ai._model('open')), array['{}'], null, 1, 1)",
        None,
    ),
    "a model's echo in its refusal": (["caller"], "select polar_ai.ai_callmodel('open', 'please fail'::text)", "28000"),
    "a model's echo in an item's error": (
        ["caller"],
        "select polarlens._embed('open', array['please fail'])",
        None,
    ),
    "a model's echo in a test": (["caller"], "select polar_ai.ai_testmodel('functions')", None),
    "a token that is said to be encrypted": (
        ["admin"],
        "select polar_ai.ai_setmodeltoken('nobody', 'pgp:AAAA')",
        None,
    ),
}


@pytest.mark.parametrize(
    ("role", "statement", "refusal"),
    [
        pytest.param(role, statement, refusal, id=f"{role}: {name}")
        for name, (roles, statement, refusal) in READING.items()
        for role in roles
    ],
)
def test_a_secret_is_not_read(house: House, role: str, statement: str, refusal: str | None) -> None:
    seen = house.attack(role, statement)
    assert refusal is None or seen.sqlstate == refusal, seen.text[:2000]


@pytest.mark.parametrize("model", ["open", "functions", "environment"])
@pytest.mark.parametrize("setting", ["debug_print_plan", "debug_print_parse", "debug_print_rewritten"])
def test_the_plans_of_the_owners_statements_show_no_secret(house: House, setting: str, model: str) -> None:
    seen = house.attack(
        "caller",
        "set client_min_messages = debug1",
        "set debug_pretty_print = off",
        f"set {setting} = on",
        "set plan_cache_mode = force_custom_plan",
        f"select polar_ai.ai_callmodel('{model}', 'a'::text)",
        fresh=True,
    )
    assert seen.sqlstate is None and len(seen.said) > 3


def test_the_key_of_the_tokens_cannot_be_a_token(house: House) -> None:
    house.db.run("select polar_ai.ai_createmodel('thief', %s, 'clip-as-service')", f"{house.url}/thief")
    house.attack("admin", "select polar_ai.ai_setmodeltoken('thief', 'env:POLARLENS_TOKEN_KEY')")
    seen = house.attack("caller", "select polar_ai.ai_callmodel('thief', 'x'::text)")
    house.db.run("select polar_ai.ai_dropmodel('thief')")
    assert seen.sqlstate == "22023", seen.text


def test_a_running_statement_shows_its_token_to_nobody(house: House) -> None:
    with house.connect("admin") as connection:
        connection.execute("select polar_ai.ai_setmodeltoken('nobody', %s)", [house.secrets["a model's token"]])
        for role in ("caller", "outsider", "admin"):
            house.attack(role, "select usename, query from pg_stat_activity")


def test_a_statement_that_failed_leaves_no_secret_in_the_log(house: House) -> None:
    logged = log_of(house.db, house.log)
    for role in ("caller", "outsider"):
        house.attack(role, CALL)
        house.attack(role, "select polar_ai.ai_callmodel('open', 'please fail'::text)")
        house.attack(role, "select polar_ai.ai_callmodel('functions', %s::text)", parameters=("please fail",))
        house.attack(role, "select polar_ai.ai_callmodel('environment', 'a'::text)")
    house.attack("admin", "begin", "select polar_ai.ai_altermodel('open', model_config => '[]')")
    log = logged()
    assert "please fail" in log
    # What a client sends as a parameter this server logs: tests/scripts/set_token show how not to.
    house.check_silent("\n".join(line for line in log.splitlines() if "arameters: $1" not in line))


def test_a_setting_that_is_no_json_is_not_repeated_in_the_error(house: House) -> None:
    secret = house.secrets["a model's token"]
    with house.connect("admin") as connection:
        said = ""
        try:
            connection.execute(
                "select polar_ai.ai_altermodel('open', model_config => %s)", ['{"token": "' + secret + "'}"]
            )
        except Exception as error:
            said = str(error) + str(getattr(error, "diag", None) and error.diag.context)  # type: ignore[attr-defined]
    assert said
    house.check_silent(said)
