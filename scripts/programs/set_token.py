"""Set a model's token: it goes from a prompt or standard input to the database as a parameter, and nowhere else.

Before it is sent, this session's logging is turned off. A setting that is on and that only a superuser may turn off
is named.
"""

from __future__ import annotations

import argparse
import contextlib
import getpass
import sys
from typing import Any, NoReturn

import psycopg

from scripts.common.database import connected, is_local
from scripts.common.errors import UserError, exit_status

USAGE = """\
usage: scripts/set_token MODEL_ID [--anyway]
The token is asked for, or read from standard input; it is not an argument, because everybody sees arguments.
MODEL_ID may hold %, as in ai_setmodeltoken: _dashscope% sets that of every built-in model.
--anyway sends it even if the server would log it, or over a connection that is not encrypted.
"""

# In this session nothing is logged of a statement or its parameters, or kept by an extension that watches them.
QUIET = {
    "log_statement": "none",
    "log_duration": "off",
    "log_min_duration_statement": "-1",
    "log_min_duration_sample": "-1",
    "log_transaction_sample_rate": "0",
    "log_min_error_statement": "panic",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "debug_print_plan": "off",
    "track_activities": "off",
    "pg_stat_statements.track": "none",
    "auto_explain.log_min_duration": "-1",
    "pgaudit.log": "none",
}
# Which of them show the parameters of a statement, by their names, where they are not as above.
PARAMETERS_LOGGED = """
select string_agg(s.name || ' = ' || s.setting, ', ' order by s.name)
from pg_catalog.pg_settings as s
where case s.name
    when 'log_statement' then s.setting = 'all'
    when 'log_min_duration_statement' then s.setting <> '-1'
    when 'log_min_duration_sample' then s.setting <> '-1'
    when 'log_transaction_sample_rate' then s.setting <> '0'
    when 'auto_explain.log_min_duration' then s.setting <> '-1'
    when 'pgaudit.log' then s.setting <> 'none'
    else false
end
and (
    s.name in ('auto_explain.log_min_duration', 'pgaudit.log')
    or current_setting('log_parameter_max_length', true) <> '0'
)
"""


def silence(connection: psycopg.Connection[Any]) -> None:
    """Turn off what this session's role may turn off."""
    # The settings in force are checked below. Where an extension is not installed, its settings have no valid name.
    errors = (psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedObject, psycopg.errors.InvalidName)
    for name, value in QUIET.items():
        with contextlib.suppress(*errors):
            connection.execute("select pg_catalog.set_config(%s, %s, false)", [name, value])


def exposure(connection: psycopg.Connection[Any]) -> str | None:
    """Return where the token would be seen on its way, and what to do; None if nowhere."""
    row = connection.execute(PARAMETERS_LOGGED.encode()).fetchone()
    if row and row[0]:
        return (
            f"This server logs the parameters of statements ({row[0]}), and only a superuser may turn that off for a\n"
            "session. Connect as a superuser, or have log_parameter_max_length set to 0 while the token is set."
        )
    if not is_local(connection.info) and not connection.pgconn.ssl_in_use:
        return f"The connection to {connection.info.host} is not encrypted: set PGSSLMODE=require."
    return None


def read_token() -> str:
    """Ask for the token where somebody is there to ask, or read one line."""
    if sys.stdin.isatty():
        return getpass.getpass("Token: ").strip()
    return sys.stdin.readline().strip()


class Parser(argparse.ArgumentParser):
    """Prints the usage, and never an argument: one may be the token."""

    def error(self, message: str) -> NoReturn:
        """End the program."""
        self.exit(2, USAGE)


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = Parser(add_help=False, allow_abbrev=False)
    parser.add_argument("model_id")
    parser.add_argument("--anyway", action="store_true")
    options = parser.parse_args()
    if not options.model_id:
        parser.error("MODEL_ID is empty")
    return options


def main() -> int:
    """Set the token of the model named on the command line."""
    options = parse()
    with connected(autocommit=True) as connection:
        silence(connection)
        if reason := exposure(connection):
            print(reason, file=sys.stderr)
            if not options.anyway:
                raise UserError("The token was not asked for, and nothing was sent. (--anyway sends it.)")
        token = read_token()
        if not token:
            raise UserError("There is no token: nothing was changed.")
        send(connection, options.model_id, token)
    print(f"The token of {options.model_id} is set.")
    return 0


def send(connection: psycopg.Connection[Any], model_id: str, token: str) -> None:
    """Send the token as a parameter.

    Raises:
        UserError: it was not set.
    """
    try:
        row = connection.execute("select polar_ai.ai_setmodeltoken(%s, %s)", [model_id, token]).fetchone()
    except (psycopg.errors.UndefinedFunction, psycopg.errors.InvalidSchemaName):
        raise UserError("polar_ai is not installed in this database: run `alembic upgrade head` first.") from None
    except psycopg.Error as error:
        advice = "\nSetting tokens takes the role polar_ai_admin." if error.sqlstate == "42501" else ""
        # The message alone: the rest of the error may quote the statement.
        raise UserError(f"The token was not set: {error.diag.message_primary}{advice}") from None
    if not row or not row[0]:
        raise UserError(f"There is no model {model_id}: select model_id from polar_ai._ai_models; lists them.")


if __name__ == "__main__":
    sys.exit(exit_status(main))
