"""Set a model's token: it goes from a prompt or standard input to the database as a parameter, and nowhere else.

Before it is sent, this session's logging is turned off. A setting that is on and that only a superuser may turn off
is named.
"""

from __future__ import annotations

import argparse
import getpass
import sys
from typing import Any, NoReturn

import psycopg

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


class Unsafe(Exception):
    """The token would be seen on its way; the message says where, and what to do."""


def silence(connection: psycopg.Connection[Any]) -> None:
    """Turn off what this session's role may turn off."""
    for name, value in QUIET.items():
        try:
            connection.execute("select pg_catalog.set_config(%s, %s, false)", [name, value])
        except (psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedObject):
            pass  # checked below, by what is in force
        except psycopg.errors.InvalidName:
            pass  # an extension's setting, and the extension is not there


def check(connection: psycopg.Connection[Any]) -> None:
    """Raise Unsafe where the token would be logged, or go over a network in the clear."""
    row = connection.execute(PARAMETERS_LOGGED.encode()).fetchone()
    if row and row[0]:
        raise Unsafe(
            f"This server logs the parameters of statements ({row[0]}), and only a superuser may turn that off for a\n"
            "session. Connect as a superuser, or have log_parameter_max_length set to 0 while the token is set."
        )
    info = connection.info
    local = info.host.startswith("/") or info.hostaddr in ("127.0.0.1", "::1")
    if not local and not connection.pgconn.ssl_in_use:
        raise Unsafe(f"The connection to {info.host} is not encrypted: set PGSSLMODE=require.")


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
    try:
        with psycopg.connect(autocommit=True) as connection:
            silence(connection)
            try:
                check(connection)
            except Unsafe as unsafe:
                print(unsafe, file=sys.stderr)
                if not options.anyway:
                    print("The token was not asked for, and nothing was sent. (--anyway sends it.)", file=sys.stderr)
                    return 1
            token = read_token()
            if not token:
                print("There is no token: nothing was changed.", file=sys.stderr)
                return 1
            return send(connection, options.model_id, token)
    except psycopg.OperationalError as error:
        print(
            f"Cannot connect to the database: {error}\nSet PGHOST, PGPORT, PGUSER, PGPASSWORD and PGDATABASE.",
            file=sys.stderr,
        )
        return 1


def send(connection: psycopg.Connection[Any], model_id: str, token: str) -> int:
    """Send the token as a parameter; say what came of it."""
    try:
        row = connection.execute("select polar_ai.ai_setmodeltoken(%s, %s)", [model_id, token]).fetchone()
    except (psycopg.errors.UndefinedFunction, psycopg.errors.InvalidSchemaName):
        print("polar_ai is not installed in this database: run `alembic upgrade head` first.", file=sys.stderr)
        return 1
    except psycopg.Error as error:
        # The message alone: what stands around it may quote the statement.
        print(f"The token was not set: {error.diag.message_primary}", file=sys.stderr)
        if error.sqlstate == "42501":
            print("Setting tokens takes the role polar_ai_admin.", file=sys.stderr)
        return 1
    if not row or not row[0]:
        print(f"There is no model {model_id}: select model_id from polar_ai._ai_models; lists them.", file=sys.stderr)
        return 1
    print(f"The token of {model_id} is set.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
