-- Search functions that dbt built before version 0.1.0 call these names: they have to work between the upgrade of the
-- database and its first `dbt run`, which replaces them.
create or replace function polar_ai._raise(error jsonb) returns void
language sql
set search_path to pg_catalog, pg_temp
as $$ select polarlens._raise(error) $$;

create or replace function polar_ai._fingerprints(model_ids text[]) returns jsonb
language sql stable
set search_path to pg_catalog, pg_temp
as $$ select polarlens._fingerprints(model_ids) $$;

create or replace function polar_ai._embed(
    model_id text, inputs text[], in_flight integer default null
) returns table (item integer, embedding text, error jsonb)
language sql
as $$ select * from polarlens._embed(model_id, inputs, in_flight) $$;

comment on function polar_ai._raise(jsonb) is 'Internal: the former name of polarlens._raise.';

comment on function polar_ai._fingerprints(text[]) is 'Internal: the former name of polarlens._fingerprints.';

comment on function polar_ai._embed(text, text[], integer) is 'Internal: the former name of polarlens._embed.';
