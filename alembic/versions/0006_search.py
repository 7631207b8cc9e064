"""What searches need: their readers' role, the photos' metadata, labels and saved searches.

Revision ID: 0006
Revises: 0004
Create Date: 2026-11-23
"""

from __future__ import annotations

from alembic import op
from udfs.sql_text import literal_sql

revision = "0006"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        literal_sql("""
        do $$
        begin
            if not exists (select from pg_roles where rolname = 'polarlens_reader') then
                create role polarlens_reader nologin;
                insert into polarlens.created_here (kind, name) values ('role', 'polarlens_reader');
            end if;
        end
        $$;

        comment on role polarlens_reader is
        'polarlens: may search and read the views of search, and may call no model function. grant polarlens_reader to …;';

        alter table polarlens.image_paths
            add column title text,
            add column caption text,
            add column taken_at timestamptz,
            add column latitude double precision check (latitude between -90 and 90),
            add column longitude double precision check (longitude between -180 and 180),
            add column attributes jsonb not null default '{}' check (jsonb_typeof(attributes) = 'object');

        comment on column polarlens.image_paths.title is 'A short name for people; searched as words. Optional.';
        comment on column polarlens.image_paths.caption is 'What the photo shows, in words; searched as words. Optional.';
        comment on column polarlens.image_paths.taken_at is 'When the photo was taken; for time windows. Optional.';
        comment on column polarlens.image_paths.latitude is 'Degrees north; for boxes and distances. Optional.';
        comment on column polarlens.image_paths.longitude is 'Degrees east; for boxes and distances. Optional.';
        comment on column polarlens.image_paths.attributes is 'Whatever else filters are to know, {"city": "Delft"}. Optional.';

        -- What the filters of a search can use. The words are those of the dbt variable text_search_config.
        create index image_paths_taken_at on polarlens.image_paths (taken_at);
        create index image_paths_place on polarlens.image_paths (latitude, longitude);
        create index image_paths_attributes on polarlens.image_paths using gin (attributes jsonb_path_ops);
        create index image_paths_words on polarlens.image_paths
        using gin (to_tsvector('simple', coalesce(title, '') || ' ' || coalesce(caption, '')));

        create table polarlens.labels (
            label_id bigint primary key generated always as identity,
            label_set text not null check (label_set <> ''),
            label text not null check (label <> ''),
            prompt text,
            attributes jsonb not null default '{}' check (jsonb_typeof(attributes) = 'object'),
            unique (label_set, label)
        );

        comment on table polarlens.labels is
        'Sets of labels that photos are sorted into, filled by people: one row a label. `dbt run` embeds them and labels every photo.';
        comment on column polarlens.labels.label_id is 'The label''s key.';
        comment on column polarlens.labels.label_set is 'The set: the labels of one set compete for a photo.';
        comment on column polarlens.labels.label is 'The label as people see it, for example noodles.';
        comment on column polarlens.labels.prompt is 'What the model is asked; NULL: the dbt variable label_prompt with the label in it.';
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
        'Searches with a name, filled by people: `dbt run` embeds the queries, search.saved_search_results shows what they find now.';
        comment on column polarlens.saved_searches.search_id is 'The saved search''s key.';
        comment on column polarlens.saved_searches.name is 'What people call it.';
        comment on column polarlens.saved_searches.query is 'What to look for, in words.';
        comment on column polarlens.saved_searches.k is 'How many photos it shows.';
        comment on column polarlens.saved_searches.filters is 'As the argument filters of search.search_images; NULL: none.';
        comment on column polarlens.saved_searches.min_score is 'Photos below this cosine similarity are left out; NULL: none is.';
        comment on column polarlens.saved_searches.created_at is 'When it was saved.';

        grant usage on schema polarlens to polarlens_reader;
        grant select on polarlens.labels, polarlens.saved_searches to polar_ai_admin, polar_ai_user;
        grant insert, update, delete on polarlens.labels, polarlens.saved_searches to polar_ai_user;
        -- The views of search read these with their reader's rights, so that row-level security on them counts.
        grant select on polarlens.image_paths, polarlens.texts, polarlens.labels, polarlens.saved_searches,
            polarlens.embedding_errors, polarlens.refresh_runs
        to polarlens_reader;
    """)
    )


def downgrade() -> None:
    # Views and functions that dbt built on these go with them; tables never do.
    op.execute(
        literal_sql("""
        drop table polarlens.labels, polarlens.saved_searches cascade;
        drop index polarlens.image_paths_taken_at, polarlens.image_paths_place,
            polarlens.image_paths_attributes, polarlens.image_paths_words;
        alter table polarlens.image_paths
            drop column title cascade, drop column caption cascade, drop column taken_at cascade,
            drop column latitude cascade, drop column longitude cascade, drop column attributes cascade;

        do $$
        begin
            if exists (select from polarlens.created_here where name = 'polarlens_reader') then
                -- Who made it, but is no superuser, has its rights only as a member.
                grant polarlens_reader to current_user;
                drop owned by polarlens_reader;
                drop role polarlens_reader;
                delete from polarlens.created_here where name = 'polarlens_reader';
            end if;
        exception when dependent_objects_still_exist then
            raise notice 'role polarlens_reader stays: another database of this server uses it';
        end
        $$;
    """)
    )
