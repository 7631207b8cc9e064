"""The schema polar_ai: the registry of models, locations, their secrets, and the allow-list.

On PolarDB the extension polar_ai has its own registry, and there is nothing to do.

Revision ID: 0007
Revises: 0005
Create Date: 2026-11-27
"""

from __future__ import annotations

from alembic import op
from udfs.install.extensions import create_extension
from udfs.polardb import keeps_native_extension
from udfs.sql_text import literal_sql

revision = "0007"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if keeps_native_extension():
        return
    op.execute(
        literal_sql(create_extension("plpython3u", "Install PL/Python, for example Debian''s postgresql-plpython3-NN."))
    )
    op.execute(
        literal_sql("""
        create schema polar_ai;

        comment on schema polar_ai is
        'Models callable from SQL: the registry and the functions of POLAR_AI, and what goes beyond them.';
        grant usage on schema polar_ai to polar_ai_admin, polar_ai_user;

        create table polar_ai.models (
            model_id text primary key,
            model_seq bigint not null generated always as identity unique,
            model_url text not null,
            model_provider text,
            model_type text,
            model_name text not null,
            model_config jsonb not null default '{}' check (jsonb_typeof(model_config) = 'object'),
            -- Signatures, not regprocedure: pg_upgrade refuses a database that stores those.
            model_headers_fn text,
            model_in_transform_fn text,
            model_out_transform_fn text,
            created_at timestamptz not null default now(),
            updated_at timestamptz not null default now(),
            check (model_config ->> 'token' is null)
        );

        comment on table polar_ai.models is
        'The registered models, without their tokens. Read it as polar_ai._ai_models; change it with ai_createmodel '
        'and ai_dropmodel.';
        comment on column polar_ai.models.model_id is 'What SQL calls the model by, for example embedding/clip_text.';
        comment on column polar_ai.models.model_seq is 'Order of registration.';
        comment on column polar_ai.models.model_url is 'Where request bodies are posted to.';
        comment on column polar_ai.models.model_provider is
        'The wire contract (clip-as-service), or free text where there are transform functions.';
        comment on column polar_ai.models.model_type is 'Free text, for example embedding.';
        comment on column polar_ai.models.model_name is
        'The service''s own name of the model; the first argument of model_in_transform_fn.';
        comment on column polar_ai.models.model_config is
        'input, dimension, image_size, batch_size, logit_scale and whatever the user keeps here. Never the token.';
        comment on column polar_ai.models.model_headers_fn is
        'Signature of the function that makes additional request headers, or NULL.';
        comment on column polar_ai.models.model_in_transform_fn is
        'Signature of the function that makes the request body; NULL for a known provider.';
        comment on column polar_ai.models.model_out_transform_fn is
        'Signature of the function that reads the response; NULL for a known provider.';
        comment on column polar_ai.models.created_at is 'When the model was registered.';
        comment on column polar_ai.models.updated_at is 'When the registration last changed.';

        create table polar_ai.model_secrets (
            model_id text primary key references polar_ai.models (model_id) on delete cascade,
            token text not null
        );

        comment on table polar_ai.model_secrets is 'The models'' tokens: no role but the owner may read them.';
        comment on column polar_ai.model_secrets.model_id is 'Whose token it is.';
        comment on column polar_ai.model_secrets.token is
        'The token, or env:NAME for a variable of the server''s environment.';

        create table polar_ai.permit_key (
            only_row boolean primary key default true check (only_row),
            key text not null default gen_random_uuid()::text || gen_random_uuid()::text
        );

        comment on table polar_ai.permit_key is
        'What the permits of polar_ai._permit are made with: no role but the owner may read it.';
        comment on column polar_ai.permit_key.only_row is 'There is one row.';
        comment on column polar_ai.permit_key.key is 'A random text.';

        create table polar_ai.allow_list (
            entry text primary key,
            note text,
            created_at timestamptz not null default now()
        );

        comment on table polar_ai.allow_list is
        'What models and ai_loadfile may reach; change it with ai_allow and ai_disallow.';
        comment on column polar_ai.allow_list.entry is
        'file:///folder, https://host[:port][/prefix], https://*.domain, or https://*.';
        comment on column polar_ai.allow_list.note is 'Why it is allowed.';
        comment on column polar_ai.allow_list.created_at is 'Since when it is allowed.';

        create table polar_ai.locations (
            name text primary key,
            location_seq bigint not null generated always as identity unique,
            url text not null,
            options jsonb not null default '{}' check (jsonb_typeof(options) = 'object'),
            created_at timestamptz not null default now(),
            updated_at timestamptz not null default now()
        );

        comment on table polar_ai.locations is
        'The named places of photos, without their secrets: what name:path begins with. Change it with '
        'ai_createlocation, ai_alterlocation and ai_droplocation.';
        comment on column polar_ai.locations.name is 'What paths begin with: photos in photos:2024/cat.jpg.';
        comment on column polar_ai.locations.location_seq is
        'Order of creation; names the function that carries the grants.';
        comment on column polar_ai.locations.url is
        'Store, bucket and prefix: s3://bucket/prefix, oss://…, gcs://…, azblob://…, https://host/prefix or '
        'file:///folder.';
        comment on column polar_ai.locations.options is
        'endpoint, region, addressing, credentials, access_key_id, account. Never the secret.';
        comment on column polar_ai.locations.created_at is 'When it was created.';
        comment on column polar_ai.locations.updated_at is 'When it last changed.';

        create table polar_ai.location_secrets (
            name text primary key references polar_ai.locations (name) on delete cascade,
            secret text not null
        );

        comment on table polar_ai.location_secrets is 'The locations'' secrets: no role but the owner may read them.';
        comment on column polar_ai.location_secrets.name is 'Whose secret it is.';
        comment on column polar_ai.location_secrets.secret is
        'The secret (encrypted where the server has POLARLENS_TOKEN_KEY), or env:NAME for a variable of the server''s '
        'environment.';

        -- RETURNS TABLE could not have a column model_id beside the argument model_id.
        create type polar_ai.created_model as (
            model_seq bigint, model_schema text, model_id text, model_qname text, created boolean
        );

        comment on type polar_ai.created_model is
        'What ai_createmodel returns; created is false where the id existed already.';

        insert into polar_ai.permit_key default values;

        revoke all on
            polar_ai.models, polar_ai.model_secrets, polar_ai.permit_key, polar_ai.allow_list,
            polar_ai.locations, polar_ai.location_secrets
        from public;
        grant select on polar_ai.models, polar_ai.allow_list, polar_ai.locations to polar_ai_user, polar_ai_admin;
    """)
    )


def downgrade() -> None:
    if keeps_native_extension():
        return
    op.execute(literal_sql("drop schema if exists ganos_ai cascade; drop schema polar_ai cascade;"))
