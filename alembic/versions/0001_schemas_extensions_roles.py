"""Schemas, extensions and roles.

Revision ID: 0001
Revises:
Create Date: 2026-11-23
"""

from __future__ import annotations

from alembic import op
from udfs.polardb import keeps_native_extension
from udfs.sql_text import literal_sql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        literal_sql("""
        comment on schema polarlens is
        'What polarlens keeps about its own work: staging tables, refresh runs, errors. dbt builds in a schema of its own.';

        -- An upgrade that changes no function installs none.
        create table polarlens.installed_code (
            only_row boolean primary key default true check (only_row),
            code_hash text not null,
            installed_at timestamptz not null default now()
        );

        comment on table polarlens.installed_code is 'The version of the functions that the last upgrade installed.';
        comment on column polarlens.installed_code.only_row is 'Always true: there is one row.';
        comment on column polarlens.installed_code.code_hash is 'The hash of everything under udfs/ that was installed.';
        comment on column polarlens.installed_code.installed_at is 'When it was installed.';

        -- What was there before stays after a downgrade.
        create table polarlens.created_here (
            kind text not null check (kind in ('extension', 'role')),
            name text not null,
            primary key (kind, name)
        );

        comment on table polarlens.created_here is
        'The extensions and roles that the upgrade created and a downgrade to base removes.';
        comment on column polarlens.created_here.kind is 'extension or role.';
        comment on column polarlens.created_here.name is 'What it is called.';
    """)
    )

    if not keeps_native_extension():
        op.execute(
            literal_sql("""
            create schema polar_ai;

            comment on schema polar_ai is
            'Models callable from SQL: the registry and the functions of POLAR_AI, and what goes beyond them.';
        """)
        )

    extensions = "'vector'" if keeps_native_extension() else "'vector', 'plpython3u'"
    op.execute(
        literal_sql(
            """
        do $$
        declare
            v_name text;
        begin
            foreach v_name in array array[@extensions@] loop
                if not exists (select from pg_extension where extname = v_name) then
                    if not exists (select from pg_available_extensions where name = v_name) then
                        raise exception 'this server does not offer the extension %', v_name
                        using errcode = 'undefined_file', hint = case v_name
                            when 'vector' then 'Install pgvector 0.8 or newer, for example Debian''s postgresql-NN-pgvector.'
                            else 'Install PL/Python, for example Debian''s postgresql-plpython3-NN.'
                        end;
                    end if;
                    execute format('create extension %I', v_name);
                    insert into polarlens.created_here (kind, name) values ('extension', v_name);
                end if;
            end loop;

            if exists (
                select from pg_extension
                where extname = 'vector' and string_to_array(extversion, '.')::int[] < array[0, 8, 0]
            ) then
                raise exception 'pgvector is older than 0.8, which filtered search needs'
                using hint = 'Install a newer pgvector, then: alter extension vector update;';
            end if;

            foreach v_name in array array['polar_ai_admin', 'polar_ai_user'] loop
                if not exists (select from pg_roles where rolname = v_name) then
                    execute format('create role %I nologin', v_name);
                    execute format('comment on role %I is %L', v_name, case v_name
                        when 'polar_ai_admin' then 'polarlens: registers models, sets tokens and the allow-list.'
                        else 'polarlens: may call models and refresh embeddings.'
                    end);
                    insert into polarlens.created_here (kind, name) values ('role', v_name);
                end if;
            end loop;
        end
        $$;

        grant usage on schema polarlens to polar_ai_admin, polar_ai_user;
    """.replace("@extensions@", extensions)
        )
    )
    if not keeps_native_extension():
        op.execute(literal_sql("grant usage on schema polar_ai to polar_ai_admin, polar_ai_user;"))


def downgrade() -> None:
    if not keeps_native_extension():
        op.execute(literal_sql("drop schema if exists ganos_ai cascade; drop schema polar_ai cascade;"))
    op.execute(
        literal_sql("""
        do $$
        declare
            v_role text;
            v_extension text;
        begin
            for v_role in select name from polarlens.created_here where kind = 'role' loop
                begin
                    -- Who made it, but is no superuser, has its rights only as a member.
                    execute format('grant %I to current_user', v_role);
                    -- What the role owns here outlives it: "drop owned" alone would drop the user's tables.
                    execute format('reassign owned by %I to current_user', v_role);
                    execute format('drop owned by %I', v_role);
                    execute format('drop role %I', v_role);
                exception when dependent_objects_still_exist then
                    raise notice 'role % stays: another database of this server uses it', v_role;
                end;
            end loop;
            for v_extension in select name from polarlens.created_here where kind = 'extension' loop
                begin
                    execute format('drop extension if exists %I', v_extension);
                exception when dependent_objects_still_exist then
                    raise notice 'extension % stays: something outside polarlens uses it', v_extension;
                end;
            end loop;
        end
        $$;
    """)
    )
