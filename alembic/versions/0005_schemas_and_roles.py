"""The schema polarlens, the extension vector, and the roles.

The first of three base revisions. They replace 0001 to 0009, whose ids they do not use again, except for the last.

Revision ID: 0005
Revises:
Create Date: 2026-11-27
"""

from __future__ import annotations

from alembic import op
from udfs.install.extensions import create_extension
from udfs.sql_text import literal_sql

revision = "0005"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        literal_sql("""
        comment on schema polarlens is
        'What polarlens keeps about its own work: staging tables, refresh runs, errors. '
        'dbt builds in a schema of its own.';

        create table polarlens.installed_code (
            only_row boolean primary key default true check (only_row),
            code_hash text not null,
            installed_at timestamptz not null default now()
        );

        comment on table polarlens.installed_code is 'The version of the functions that the last upgrade installed.';
        comment on column polarlens.installed_code.only_row is 'Always true: there is one row.';
        comment on column polarlens.installed_code.code_hash is
        'The hash of everything under udfs/ that was installed.';
        comment on column polarlens.installed_code.installed_at is 'When it was installed.';

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
    op.execute(
        literal_sql(
            create_extension("vector", "Install pgvector 0.8 or newer, for example Debian''s postgresql-NN-pgvector.")
        )
    )
    op.execute(
        literal_sql("""
        do $$
        declare
            v_role record;
        begin
            if exists (
                select from pg_extension
                where extname = 'vector' and string_to_array(extversion, '.')::int[] < array[0, 8, 0]
            ) then
                raise exception 'pgvector is older than 0.8, which filtered search needs'
                using hint = 'Install a newer pgvector, then: alter extension vector update;';
            end if;

            for v_role in
                select *
                from (
                    values
                    ('polar_ai_admin', 'polarlens: registers models, sets tokens and the allow-list.'),
                    ('polar_ai_user', 'polarlens: may call models and refresh embeddings.'),
                    (
                        'polarlens_reader',
                        'polarlens: may search and read the views of search, and may call no model function. '
                        'grant polarlens_reader to …;'
                    )
                ) as r (name, description)
                where not exists (select from pg_roles where rolname = r.name)
            loop
                execute format('create role %I nologin', v_role.name);
                execute format('comment on role %I is %L', v_role.name, v_role.description);
                insert into polarlens.created_here (kind, name) values ('role', v_role.name);
            end loop;
        end
        $$;

        grant usage on schema polarlens to polar_ai_admin, polar_ai_user, polarlens_reader;
    """)
    )


def downgrade() -> None:
    op.execute(
        literal_sql("""
        do $$
        declare
            v_role text;
            v_extension text;
        begin
            for v_role in select name from polarlens.created_here where kind = 'role' loop
                begin
                    -- A role that created it, and is no superuser, has its rights only as a member.
                    execute format('grant %I to current_user', v_role);
                    -- "drop owned" alone would drop the user's tables: what the role owns stays.
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
