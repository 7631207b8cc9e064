"""The tables of the schema polarlens: staging, refreshes, labels and saved searches.

Revision ID: 0009
Revises: 0007
Create Date: 2026-11-27
"""

from __future__ import annotations

from alembic import op
from udfs.sql_text import literal_sql

revision = "0009"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        literal_sql("""
        create table polarlens.image_paths (
            image_id bigint primary key generated always as identity,
            path text not null unique,
            source_version text,
            loaded_at timestamptz not null default now(),
            title text,
            caption text,
            taken_at timestamptz,
            latitude double precision check (latitude between -90 and 90),
            longitude double precision check (longitude between -180 and 180),
            attributes jsonb not null default '{}' check (jsonb_typeof(attributes) = 'object')
        );

        -- Filters of searches use these. The words are those of the dbt variable text_search_config.
        create index image_paths_taken_at on polarlens.image_paths (taken_at);
        create index image_paths_place on polarlens.image_paths (latitude, longitude);
        create index image_paths_attributes on polarlens.image_paths using gin (attributes jsonb_path_ops);
        create index image_paths_words on polarlens.image_paths
        using gin (to_tsvector('simple', coalesce(title, '') || ' ' || coalesce(caption, '')));

        comment on table polarlens.image_paths is
        'Staging: where the photos are. Paths only; the photos stay where they lie.';
        comment on column polarlens.image_paths.image_id is 'The photo''s key in every model and search result.';
        comment on column polarlens.image_paths.path is
        'What ai_loadfile reads: /folder/photo.jpg or file:///… on the database server, or an http(s) URL.';
        comment on column polarlens.image_paths.source_version is
        'Changes when the photo''s bytes change (etag, or size and time of change); NULL: the path alone decides.';
        comment on column polarlens.image_paths.loaded_at is 'When the path was first loaded here.';
        comment on column polarlens.image_paths.title is 'A short name for people; searched as words. Optional.';
        comment on column polarlens.image_paths.caption is
        'What the photo shows, in words; searched as words. Optional.';
        comment on column polarlens.image_paths.taken_at is 'When the photo was taken; for time windows. Optional.';
        comment on column polarlens.image_paths.latitude is 'Degrees north; for boxes and distances. Optional.';
        comment on column polarlens.image_paths.longitude is 'Degrees east; for boxes and distances. Optional.';
        comment on column polarlens.image_paths.attributes is
        'Whatever else filters are to know, {"city": "Delft"}. Optional.';

        create table polarlens.texts (
            text_id bigint primary key generated always as identity,
            content text not null,
            source_version text,
            loaded_at timestamptz not null default now()
        );

        comment on table polarlens.texts is 'Staging: texts to embed (captions, reviews).';
        comment on column polarlens.texts.text_id is 'The text''s key in every model and search result.';
        comment on column polarlens.texts.content is 'The text itself.';
        comment on column polarlens.texts.source_version is
        'Changes when the text does; NULL: the text itself decides.';
        comment on column polarlens.texts.loaded_at is 'When the text was first loaded here.';

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
        comment on column polarlens.embedding_errors.relation is
        'The embedding table (schema.name) that lacks the row.';
        comment on column polarlens.embedding_errors.source_key is 'The source''s key, as text.';
        comment on column polarlens.embedding_errors.source_version is 'The version of the source that failed.';
        comment on column polarlens.embedding_errors.input is 'The path or the head of the text that failed.';
        comment on column polarlens.embedding_errors.stage is 'Where it failed: load, decode, request or response.';
        comment on column polarlens.embedding_errors.message is 'What went wrong, for a person.';
        comment on column polarlens.embedding_errors.sqlstate is 'The error''s SQLSTATE.';
        comment on column polarlens.embedding_errors.attempts is 'How often it has been tried.';
        comment on column polarlens.embedding_errors.first_failed_at is 'When it first failed.';
        comment on column polarlens.embedding_errors.last_failed_at is 'When it last failed.';
        comment on column polarlens.embedding_errors.next_attempt_at is
        'A refresh before this time leaves the source out.';

        create table polarlens.embedding_spaces (
            relation text primary key,
            model_id text not null,
            model_fingerprint text not null,
            storage text not null check (storage in ('halfvec', 'vector', 'bit')),
            created_at timestamptz not null default now(),
            query_models jsonb
        );

        comment on table polarlens.embedding_spaces is
        'What each embedding table is made of: whether a model changed is known without reading its rows.';
        comment on column polarlens.embedding_spaces.relation is
        'The embedding table (schema.name); NAME__next while a new space is built beside NAME.';
        comment on column polarlens.embedding_spaces.model_id is 'The registered model that embeds.';
        comment on column polarlens.embedding_spaces.model_fingerprint is
        'The model''s fingerprint, the same in every row of the table.';
        comment on column polarlens.embedding_spaces.storage is 'halfvec, vector or bit.';
        comment on column polarlens.embedding_spaces.created_at is 'When the table was made.';
        comment on column polarlens.embedding_spaces.query_models is
        'The models that embed queries for this table and their fingerprints as they were: a model that changed since '
        'makes another space. NULL or a fingerprint of null: not known.';

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
            message text,
            backend_pid integer not null default pg_backend_pid(),
            phase text not null default 'planning'
                check (phase in ('planning', 'embedding', 'indexing', 'swapping', 'done')),
            total bigint not null default 0,
            reused bigint not null default 0
        );

        create index on polarlens.refresh_runs (relation, run_id);

        comment on table polarlens.refresh_runs is 'Every refresh of an embedding table, the running ones included.';
        comment on column polarlens.refresh_runs.run_id is 'Order of starting.';
        comment on column polarlens.refresh_runs.relation is 'The embedding table (schema.name).';
        comment on column polarlens.refresh_runs.model_id is 'The registered model that embeds.';
        comment on column polarlens.refresh_runs.status is
        'running, succeeded or failed. A run that was killed stays running until the next one: '
        'polarlens.refresh_status tells.';
        comment on column polarlens.refresh_runs.started_at is 'When it started.';
        comment on column polarlens.refresh_runs.updated_at is 'When its last batch was committed.';
        comment on column polarlens.refresh_runs.finished_at is 'When it ended; NULL while it runs.';
        comment on column polarlens.refresh_runs.pending is 'Sources that this run has still to embed.';
        comment on column polarlens.refresh_runs.embedded is
        'Sources that this run embedded, the reused ones included.';
        comment on column polarlens.refresh_runs.unchanged is 'Sources that were fresh already.';
        comment on column polarlens.refresh_runs.removed is 'Embeddings removed because their source is gone.';
        comment on column polarlens.refresh_runs.failed is 'Sources that failed in this run.';
        comment on column polarlens.refresh_runs.message is 'Why the run failed.';
        comment on column polarlens.refresh_runs.backend_pid is 'The database process that worked.';
        comment on column polarlens.refresh_runs.phase is
        'planning, embedding, indexing, swapping, done; of a failed run, the phase it failed in.';
        comment on column polarlens.refresh_runs.total is 'Sources that were to be embedded when the run began.';
        comment on column polarlens.refresh_runs.reused is
        'Of these, how many took the embedding of an identical input instead of a call.';

        create table polarlens.labels (
            label_id bigint primary key generated always as identity,
            label_set text not null check (label_set <> ''),
            label text not null check (label <> ''),
            prompt text,
            attributes jsonb not null default '{}' check (jsonb_typeof(attributes) = 'object'),
            unique (label_set, label)
        );

        comment on table polarlens.labels is
        'Sets of labels that photos are sorted into, filled by people: one row a label. `dbt run` embeds them and '
        'labels every photo.';
        comment on column polarlens.labels.label_id is 'The label''s key.';
        comment on column polarlens.labels.label_set is 'The set: the labels of one set compete for a photo.';
        comment on column polarlens.labels.label is 'The label as people see it, for example noodles.';
        comment on column polarlens.labels.prompt is
        'What the model is asked; NULL: the dbt variable label_prompt with the label in it.';
        comment on column polarlens.labels.attributes is 'What follows from the label, for example {"calories": 450}.';

        create table polarlens.saved_searches (
            search_id bigint primary key generated always as identity,
            name text not null unique check (name <> ''),
            query text not null check (btrim(query) <> ''),
            k integer not null default 10 check (k between 1 and 1000),
            filters jsonb check (jsonb_typeof(filters) = 'object'),
            min_score real check (min_score between -1 and 1),
            created_at timestamptz not null default now()
        );

        comment on table polarlens.saved_searches is
        'Searches with a name, filled by people: `dbt run` embeds the queries, search.saved_search_results shows what '
        'they find now.';
        comment on column polarlens.saved_searches.search_id is 'The saved search''s key.';
        comment on column polarlens.saved_searches.name is 'What people call it.';
        comment on column polarlens.saved_searches.query is 'What to look for, in words.';
        comment on column polarlens.saved_searches.k is 'How many photos it shows.';
        comment on column polarlens.saved_searches.filters is
        'As the argument filters of search.search_images; NULL: none.';
        comment on column polarlens.saved_searches.min_score is
        'Photos below this cosine similarity are left out; NULL: none is.';
        comment on column polarlens.saved_searches.created_at is 'When it was saved.';

        grant select on all tables in schema polarlens to polar_ai_admin, polar_ai_user;
        grant insert, update, delete on
            polarlens.image_paths, polarlens.texts, polarlens.embedding_errors, polarlens.embedding_spaces,
            polarlens.refresh_runs, polarlens.labels, polarlens.saved_searches
        to polar_ai_user;
        -- The views of search read these with their reader's rights, so that row-level security on them counts.
        grant select on
            polarlens.image_paths, polarlens.texts, polarlens.labels, polarlens.saved_searches,
            polarlens.embedding_errors, polarlens.refresh_runs
        to polarlens_reader;
    """)
    )


def downgrade() -> None:
    # Views and functions that dbt built on these go with them; other tables never do.
    op.execute(
        literal_sql("""
        drop view if exists polarlens.refresh_status cascade;
        drop table
            polarlens.image_paths, polarlens.texts, polarlens.embedding_errors, polarlens.embedding_spaces,
            polarlens.refresh_runs, polarlens.labels, polarlens.saved_searches
        cascade;
    """)
    )
