"""The staging table of image paths, and what refreshes record.

Revision ID: 0003
Revises: 0002
Create Date: 2026-11-23
"""

from __future__ import annotations

from alembic import op
from udfs.sql_text import literal_sql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        literal_sql("""
        create table polarlens.image_paths (
            image_id bigint primary key generated always as identity,
            path text not null unique,
            source_version text,
            loaded_at timestamptz not null default now()
        );

        comment on table polarlens.image_paths is
        'Staging: where the photos are. Paths only; the photos stay where they lie.';
        comment on column polarlens.image_paths.image_id is 'The photo''s key in every model and search result.';
        comment on column polarlens.image_paths.path is 'What ai_loadfile reads: /folder/photo.jpg or file:///… on the database server, or an http(s) URL.';
        comment on column polarlens.image_paths.source_version is 'Changes when the photo''s bytes change (etag, or size and time of change); NULL: the path alone decides.';
        comment on column polarlens.image_paths.loaded_at is 'When the path was first loaded here.';

        create table polarlens.embedding_errors (
            relation text not null,
            source_key text not null,
            source_version text,
            input text,
            stage text not null,
            message text not null,
            sqlstate text not null,
            attempts integer not null default 1 check (attempts > 0),
            first_failed_at timestamptz not null default now(),
            last_failed_at timestamptz not null default now(),
            next_attempt_at timestamptz not null default now(),
            primary key (relation, source_key)
        );

        comment on table polarlens.embedding_errors is
        'The inputs that could not be embedded: one row each, cleared by success or when the source goes.';
        comment on column polarlens.embedding_errors.relation is 'The embedding table (schema.name) that lacks the row.';
        comment on column polarlens.embedding_errors.source_key is 'The source''s key, as text.';
        comment on column polarlens.embedding_errors.source_version is 'The version of the source that failed.';
        comment on column polarlens.embedding_errors.input is 'The path or the head of the text that failed.';
        comment on column polarlens.embedding_errors.stage is 'Where it failed: load, decode, request or response.';
        comment on column polarlens.embedding_errors.message is 'What went wrong, for a person.';
        comment on column polarlens.embedding_errors.sqlstate is 'The error''s SQLSTATE.';
        comment on column polarlens.embedding_errors.attempts is 'How often it has been tried.';
        comment on column polarlens.embedding_errors.first_failed_at is 'When it first failed.';
        comment on column polarlens.embedding_errors.last_failed_at is 'When it last failed.';
        comment on column polarlens.embedding_errors.next_attempt_at is 'A refresh before this time leaves the source out.';

        create table polarlens.refresh_runs (
            run_id bigint primary key generated always as identity,
            relation text not null,
            model_id text not null,
            status text not null default 'running' check (status in ('running', 'succeeded', 'failed')),
            started_at timestamptz not null default now(),
            updated_at timestamptz not null default now(),
            finished_at timestamptz,
            pending bigint not null default 0,
            embedded bigint not null default 0,
            unchanged bigint not null default 0,
            removed bigint not null default 0,
            failed bigint not null default 0,
            message text
        );

        create index on polarlens.refresh_runs (relation, run_id);

        comment on table polarlens.refresh_runs is 'Every refresh of an embedding table, the running ones included.';
        comment on column polarlens.refresh_runs.run_id is 'Order of starting.';
        comment on column polarlens.refresh_runs.relation is 'The embedding table (schema.name).';
        comment on column polarlens.refresh_runs.model_id is 'The registered model that embeds.';
        comment on column polarlens.refresh_runs.status is 'running, succeeded or failed. A run that was killed stays running: its updated_at stands still.';
        comment on column polarlens.refresh_runs.started_at is 'When it started.';
        comment on column polarlens.refresh_runs.updated_at is 'When its last batch was committed.';
        comment on column polarlens.refresh_runs.finished_at is 'When it ended; NULL while it runs.';
        comment on column polarlens.refresh_runs.pending is 'Sources that this run has still to embed.';
        comment on column polarlens.refresh_runs.embedded is 'Sources that this run embedded.';
        comment on column polarlens.refresh_runs.unchanged is 'Sources that were fresh already.';
        comment on column polarlens.refresh_runs.removed is 'Embeddings removed because their source is gone.';
        comment on column polarlens.refresh_runs.failed is 'Sources that failed in this run.';
        comment on column polarlens.refresh_runs.message is 'Why the run failed.';

        grant select on all tables in schema polarlens to polar_ai_admin, polar_ai_user;
        grant insert, update, delete on polarlens.image_paths, polarlens.embedding_errors, polarlens.refresh_runs
        to polar_ai_user;
    """)
    )


def downgrade() -> None:
    # Views and functions that dbt built on the staging table go with it; tables never do.
    op.execute(
        literal_sql("""
        drop table polarlens.image_paths, polarlens.embedding_errors, polarlens.refresh_runs cascade;
    """)
    )
