"""Runs the migrations, online and as SQL (--sql), and then makes the functions equal to the files in udfs/.

libpq's own variables (PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE, PGSERVICE, …) say where to connect.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic.util.exc import CommandError

from alembic import context
from udfs import install
from udfs.polardb import keeps_native_extension
from udfs.sql_text import literal_sql

SCHEMA = "polarlens"
VERSION_TABLE = {"version_table": "alembic_version", "version_table_schema": SCHEMA}

# Revisions that 0009 replaced. No release had them.
RETIRED = ("0001", "0002", "0003", "0004", "0006", "0008")


def run(connection: sa.Connection | None) -> None:
    """Migrate through ``connection``, or print the SQL where there is none."""
    dialect = None if connection is not None else "postgresql"
    reached: list[str] = []
    context.configure(
        connection=connection,
        dialect_name=dialect,
        # Printed SQL is read by psql, not by a driver: every % as it is, not doubled.
        dialect_opts={"paramstyle": "named"},
        transactional_ddl=True,
        on_version_apply=lambda **step: reached.append(step["step"].up_revision_id if step["step"].is_upgrade else ""),
        **VERSION_TABLE,  # type: ignore[arg-type]
    )
    with context.begin_transaction():
        command = _command()
        if command in ("upgrade", "downgrade"):
            # One at a time: a second upgrade waits, and then finds nothing left to do.
            context.execute(literal_sql(f"select pg_advisory_xact_lock(hashtext('{SCHEMA} migrations'))"))
            _check_revision(connection)
            first = "require_native" if keeps_native_extension() else "adopt_extension"
            context.execute(literal_sql(install.script(first)))
        if command == "upgrade":
            # Alembic creates its version table before the first migration could create the schema for it.
            context.execute(literal_sql(f"create schema if not exists {SCHEMA}"))
        context.run_migrations()
        if command == "upgrade" and _at_head(reached):
            _install_functions(connection)
        elif command == "downgrade" and _at_base(connection, reached):
            context.execute(literal_sql(f"drop schema if exists {SCHEMA} cascade"))
        elif command == "downgrade" and (reached or connection is None):
            # Tables and types may have taken functions with them: the next upgrade installs all of them.
            context.execute(literal_sql(f"delete from {SCHEMA}.installed_code"))


def _command() -> str:
    """Return the Alembic command that runs: only an upgrade or a downgrade may change anything here."""
    work: Any = context.get_context().opts.get("fn")
    return str(getattr(work, "__name__", ""))


def _check_revision(connection: sa.Connection | None) -> None:
    """Raise an error if the database is at a revision that is gone."""
    for revision in context.get_context().get_current_heads() if connection is not None else ():
        if revision in RETIRED:
            raise CommandError(
                f"this database is at revision {revision}, and upgrades start at 0009: "
                "run `alembic upgrade head` in a checkout of commit bb106cd first"
            )


def _at_head(reached: list[str]) -> bool:
    head = context.get_head_revision()
    if reached:
        return reached[-1] == head
    return context.is_offline_mode() or context.get_context().get_current_revision() == head


def _at_base(connection: sa.Connection | None, reached: list[str]) -> bool:
    if connection is None:
        return context.get_revision_argument() in (None, "base")
    return bool(reached) and context.get_context().get_current_revision() is None


def _install_functions(connection: sa.Connection | None) -> None:
    """Create or replace every function, unless the database already has exactly these."""
    scripts = install.statements(native=keeps_native_extension())
    wanted = (install.code_hash(scripts), install.version())
    if connection is not None:
        installed = connection.execute(sa.text(f"select code_hash, version from {SCHEMA}.installed_code")).first()
        if installed == wanted:
            return
    # A SQL function may name one that a later file creates.
    context.execute(literal_sql("set local check_function_bodies = off"))
    for script in scripts:
        context.execute(literal_sql(script))
    context.execute(
        literal_sql(
            f"insert into {SCHEMA}.installed_code (code_hash, version) values {wanted} "
            "on conflict (only_row) do update set "
            "code_hash = excluded.code_hash, version = excluded.version, installed_at = now()"
        )
    )


def failure(error: sa.exc.DBAPIError) -> CommandError:
    """Return what the database said, for a person: without the statement, and without a stack trace."""
    diagnosis = getattr(error.orig, "diag", None)
    said = [getattr(diagnosis, f"message_{part}", None) for part in ("primary", "detail", "hint")]
    lines = [str(line) for line in said if line]
    if not lines:
        return CommandError(
            f"cannot connect to PostgreSQL: {str(error.orig).strip()}\n"
            "PGHOST, PGPORT, PGUSER, PGPASSWORD and PGDATABASE say where it is."
        )
    return CommandError("\n  ".join([*lines, "Nothing was changed: it was one transaction."]))


if context.is_offline_mode():
    run(None)
else:
    try:
        # No URL but the driver: libpq reads its own variables.
        with sa.create_engine("postgresql+psycopg://", poolclass=sa.NullPool).connect() as database:
            run(database)
    except sa.exc.DBAPIError as error:
        raise failure(error) from None
