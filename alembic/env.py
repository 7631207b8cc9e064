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

# `create extension polar_ai` ran these migrations too: what it made becomes ours, and the extension itself goes.
ADOPT_EXTENSION = r"""
do $$
declare
    v_member record;
begin
    -- The extension's own script is made from this one.
    if current_setting('polarlens.creating_extension', true) = 'on' then
        return;
    end if;
    if exists (
        select from pg_extension as e
        where e.extname = 'polar_ai' and not exists (
            select from pg_depend as d
            where d.refclassid = 'pg_extension'::regclass and d.refobjid = e.oid and d.deptype = 'e'
                and d.classid = 'pg_namespace'::regclass and d.objid = to_regnamespace('polarlens')
        )
    ) then
        raise exception 'this database has an extension polar_ai of its own: PolarDB''s, it seems'
        using hint = 'Keep it, and put beside it what dbt needs: alembic -x polar_ai=native upgrade head';
    end if;
    for v_member in
        select d.classid, d.objid, o.type, o.identity
        from pg_extension as e
        inner join pg_depend as d on d.refclassid = 'pg_extension'::regclass and d.refobjid = e.oid and d.deptype = 'e'
        cross join lateral pg_identify_object(d.classid, d.objid, d.objsubid) as o
        where e.extname = 'polar_ai'
        -- A table takes its types with it, and a type its array type: in that order.
        order by o.type like '%type', o.identity like '%[]'
    loop
        continue when not exists (
            select from pg_depend as d
            where d.classid = v_member.classid and d.objid = v_member.objid and d.deptype = 'e'
        );
        execute format(
            'alter extension polar_ai drop %s %s',
            case v_member.type when 'composite type' then 'type' else v_member.type end, v_member.identity
        );
    end loop;
    drop extension if exists polar_ai;
end
$$
"""

# The opposite: the database's own extension stays.
REQUIRE_NATIVE = r"""
do $$
begin
    if not exists (select from pg_extension where extname = 'polar_ai')
        or to_regclass('polar_ai.permit_key') is not null then
        raise exception 'this database has no extension polar_ai of its own to keep'
        using hint = 'Leave out -x polar_ai=native.';
    end if;
end
$$
"""


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
        if command in ("upgrade", "downgrade"):
            context.execute(literal_sql(REQUIRE_NATIVE if keeps_native_extension() else ADOPT_EXTENSION))
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
