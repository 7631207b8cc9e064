"""The role that Superset searches with: a member of polarlens_reader, and nothing more."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import quote, urlencode

import psycopg
from psycopg import sql

from scripts.common.errors import UserError
from scripts.common.paths import state_home
from scripts.programs.local_postgres.server import LocalPostgres
from scripts.programs.superset.home import secret

ROLE = "polarlens_superset"
PASSWORD = "database_password"  # noqa: S105 - the file's name
SETTINGS = {"default_transaction_read_only": "on", "statement_timeout": "60s"}


def connect_reader() -> str:
    """Make the role where it is missing, check what it may do, and return the address to connect to as it.

    Raises:
        UserError: the database cannot be reached, is not ready to be searched, or the role may do too much.
    """
    _point_at_database()
    try:
        with psycopg.connect(autocommit=True) as connection:
            _check_searchable(connection)
            password = secret(PASSWORD)
            _make_role(connection, password)
            _check_rights(connection)
            return _address(connection, password)
    except psycopg.OperationalError as error:
        raise UserError(
            f"Could not use the database.\n  {str(error).strip()}\n"
            "Set PGHOST, PGPORT, PGUSER, PGPASSWORD and PGDATABASE, or start one with scripts/quickstart."
        ) from None


def _point_at_database() -> None:
    if os.environ.get("PGHOST"):
        return
    server = LocalPostgres(state_home())
    if server.running() is None:
        raise UserError(
            "PGHOST names no database, and the embedded server does not run.\n"
            "Start it with scripts/quickstart (everything) or scripts/local_postgres.py start (only the server)."
        )
    os.environ.update(server.env())


def _check_searchable(connection: psycopg.Connection[Any]) -> None:
    missing = connection.execute(
        """
        select name
        from unnest(array['search.photos', 'search.thumbnails', 'search.saved_searches', 'polarlens.refresh_runs'])
            as n (name)
        where to_regclass(name) is null
        """
    ).fetchall()
    if missing:
        raise UserError(
            f"The database {connection.info.dbname} has no {missing[0][0]}: there is nothing to search yet.\n"
            "Run `alembic upgrade head`, and `dbt run` in dbt_project; or scripts/quickstart, which does both."
        )


def _make_role(connection: psycopg.Connection[Any], password: str) -> None:
    role = sql.Identifier(ROLE)
    # Hashed here: what is sent may be logged.
    hashed = sql.Literal(
        connection.pgconn.encrypt_password(password.encode(), ROLE.encode(), b"scram-sha-256").decode()
    )
    try:
        if connection.execute("select from pg_roles where rolname = %s", [ROLE]).rowcount == 0:
            connection.execute(
                sql.SQL("create role {} login password {} in role polarlens_reader").format(role, hashed)
            )
            comment = "Apache Superset, started by scripts/superset: searches, and calls no model function."
            connection.execute(sql.SQL("comment on role {} is {}").format(role, sql.Literal(comment)))
        elif not _logs_in(connection, password):
            # Another checkout's, or one whose password file is gone.
            connection.execute(sql.SQL("alter role {} login password {}").format(role, hashed))
        for name, value in SETTINGS.items():
            connection.execute(
                sql.SQL("alter role {} set {} to {}").format(role, sql.Identifier(name), sql.Literal(value))
            )
    except psycopg.errors.InsufficientPrivilege as error:
        # An administrator may have made it, with the password that we keep.
        if not _logs_in(connection, password):
            raise UserError(
                f"{connection.info.user} may not make the role {ROLE}, which Superset searches with.\n"
                f"  {error.diag.message_primary}\n"
                "Ask an administrator to run the following, with the password in "
                f"{state_home() / 'superset' / PASSWORD}:\n"
                f"  create role {ROLE} login password '…' in role polarlens_reader;"
            ) from None


def _logs_in(connection: psycopg.Connection[Any], password: str) -> bool:
    try:
        psycopg.connect(user=ROLE, password=password, dbname=connection.info.dbname).close()
    except psycopg.OperationalError:
        return False
    return True


def _check_rights(connection: psycopg.Connection[Any]) -> None:
    row = connection.execute(
        """
        select
            r.rolsuper or r.rolcreaterole or r.rolcreatedb or r.rolreplication or r.rolbypassrls,
            array(
                select m.roleid::regrole::text from pg_auth_members as m where m.member = r.oid order by 1
            )
        from pg_roles as r
        where r.rolname = %s
        """,
        [ROLE],
    ).fetchone()
    assert row is not None
    powerful, roles = row
    if powerful or roles != ["polarlens_reader"]:
        raise UserError(
            f"The role {ROLE} has to be a member of polarlens_reader and nothing more; "
            f"{'it has rights of its own' if powerful else 'it is a member of: ' + (', '.join(roles) or 'nothing')}.\n"
            f"Put that right (`drop owned by {ROLE}; drop role {ROLE};` and start again makes it anew)."
        )


def _address(connection: psycopg.Connection[Any], password: str) -> str:
    info = connection.info
    options = {"application_name": "superset"}
    if mode := os.environ.get("PGSSLMODE"):
        options["sslmode"] = mode
    if info.host.startswith("/"):  # a socket's folder
        place = ""
        options |= {"host": info.host, "port": str(info.port)}
    else:
        place = f"[{info.host}]:{info.port}" if ":" in info.host else f"{info.host}:{info.port}"
    return f"postgresql+psycopg2://{ROLE}:{password}@{place}/{quote(info.dbname, safe='')}?{urlencode(options)}"
