"""What refreshes know of themselves: the spaces they built, runs that can be watched, and a staging table of texts.

Revision ID: 0004
Revises: 0003
Create Date: 2026-11-23
"""

from __future__ import annotations

from alembic import op
from udfs.sql_text import literal_sql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        literal_sql("""
        create table polarlens.embedding_spaces (
            relation text primary key,
            model_id text not null,
            model_fingerprint text not null,
            storage text not null check (storage in ('halfvec', 'vector', 'bit')),
            created_at timestamptz not null default now()
        );

        comment on table polarlens.embedding_spaces is
        'What each embedding table is made of: whether a model changed is known without reading its rows.';
        comment on column polarlens.embedding_spaces.relation is 'The embedding table (schema.name); NAME__next while a new space is built beside NAME.';
        comment on column polarlens.embedding_spaces.model_id is 'The registered model that embeds.';
        comment on column polarlens.embedding_spaces.model_fingerprint is 'The model''s fingerprint, the same in every row of the table.';
        comment on column polarlens.embedding_spaces.storage is 'halfvec, vector or bit.';
        comment on column polarlens.embedding_spaces.created_at is 'When the table was made.';

        alter table polarlens.refresh_runs
            add backend_pid integer not null default pg_backend_pid(),
            add phase text not null default 'planning'
                check (phase in ('planning', 'embedding', 'indexing', 'swapping', 'done')),
            add total bigint not null default 0,
            add reused bigint not null default 0;

        comment on column polarlens.refresh_runs.status is
        'running, succeeded or failed. A run that was killed stays running until the next one: polarlens.refresh_status tells.';
        comment on column polarlens.refresh_runs.backend_pid is 'The database process that worked.';
        comment on column polarlens.refresh_runs.phase is 'planning, embedding, indexing, swapping, done; of a failed run, the phase it failed in.';
        comment on column polarlens.refresh_runs.total is 'Sources that were to be embedded when the run began.';
        comment on column polarlens.refresh_runs.embedded is 'Sources that this run embedded, the reused ones included.';
        comment on column polarlens.refresh_runs.reused is 'Of these, how many took the embedding of an identical input instead of a call.';

        -- Their successors take more arguments.
        drop function if exists
            polar_ai._embed_provider(text, text[], integer),
            polar_ai._embed_provider(text, text, text[], integer);

        create table polarlens.texts (
            text_id bigint primary key generated always as identity,
            content text not null,
            source_version text,
            loaded_at timestamptz not null default now()
        );

        comment on table polarlens.texts is 'Staging: texts to embed (captions, reviews).';
        comment on column polarlens.texts.text_id is 'The text''s key in every model and search result.';
        comment on column polarlens.texts.content is 'The text itself.';
        comment on column polarlens.texts.source_version is 'Changes when the text does; NULL: the text itself decides.';
        comment on column polarlens.texts.loaded_at is 'When the text was first loaded here.';

        grant select on polarlens.embedding_spaces, polarlens.texts to polar_ai_admin, polar_ai_user;
        grant insert, update, delete on polarlens.embedding_spaces, polarlens.texts to polar_ai_user;
    """)
    )


def downgrade() -> None:
    op.execute(
        literal_sql("""
        drop view if exists polarlens.refresh_status;
        drop function if exists polar_ai._index_progress();
        -- The next upgrade installs what went here, though no file has changed.
        delete from polarlens.installed_code;
        drop table polarlens.texts, polarlens.embedding_spaces cascade;
        -- With the views that dbt built on them.
        alter table polarlens.refresh_runs
            drop backend_pid cascade, drop phase cascade, drop total cascade, drop reused cascade;
    """)
    )
