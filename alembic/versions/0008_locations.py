"""Locations: the named places that photos are loaded from, and their secrets.

Revision ID: 0008
Revises: 0006
Create Date: 2026-11-23
"""

from __future__ import annotations

from alembic import op
from udfs.polardb import keeps_native_extension
from udfs.sql_text import literal_sql

revision = "0008"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if keeps_native_extension():
        return
    op.execute(
        literal_sql("""
        create table polar_ai.locations (
            name text primary key,
            location_seq bigint not null generated always as identity unique,
            url text not null,
            options jsonb not null default '{}' check (jsonb_typeof(options) = 'object'),
            created_at timestamptz not null default now(),
            updated_at timestamptz not null default now()
        );

        comment on table polar_ai.locations is
        'The named places of photos, without their secrets: what name:path begins with. Change it with ai_createlocation, ai_alterlocation and ai_droplocation.';
        comment on column polar_ai.locations.name is 'What paths begin with: photos in photos:2024/cat.jpg.';
        comment on column polar_ai.locations.location_seq is 'Order of creation; names the function that carries the grants.';
        comment on column polar_ai.locations.url is 'Store, bucket and prefix: s3://bucket/prefix, oss://…, gcs://…, azblob://…, https://host/prefix or file:///folder.';
        comment on column polar_ai.locations.options is 'endpoint, region, addressing, credentials, access_key_id, account. Never the secret.';
        comment on column polar_ai.locations.created_at is 'When it was created.';
        comment on column polar_ai.locations.updated_at is 'When it last changed.';

        create table polar_ai.location_secrets (
            name text primary key references polar_ai.locations (name) on delete cascade,
            secret text not null
        );

        comment on table polar_ai.location_secrets is 'The locations'' secrets: no role but the owner may read them.';
        comment on column polar_ai.location_secrets.name is 'Whose secret it is.';
        comment on column polar_ai.location_secrets.secret is 'The secret (encrypted where the server has POLARLENS_TOKEN_KEY), or env:NAME for a variable of the server''s environment.';

        revoke all on polar_ai.locations, polar_ai.location_secrets from public;
        grant select on polar_ai.locations to polar_ai_user, polar_ai_admin;
    """)
    )


def downgrade() -> None:
    if keeps_native_extension():
        return
    op.execute(
        literal_sql("""
        do $$
        declare
            v_seq bigint;
        begin
            for v_seq in select location_seq from polar_ai.locations loop
                execute format('drop function if exists polar_ai._permit_location_%s()', v_seq);
            end loop;
        end
        $$;

        drop table polar_ai.location_secrets, polar_ai.locations cascade;
    """)
    )
