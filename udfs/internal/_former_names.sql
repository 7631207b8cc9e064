-- The names that dbt_project called before the schema polarlens offered them.
create or replace function polar_ai._raise(error jsonb) returns void
language sql
as $$ select polarlens._raise(error) $$;

create or replace function polar_ai._fingerprints(model_ids text[]) returns jsonb
language sql stable
as $$ select polarlens._fingerprints(model_ids) $$;

create or replace function polar_ai._swap_table(old regclass, new regclass) returns void
language sql
as $$ select polarlens._swap_table(old, new) $$;

create or replace function polar_ai._embed_ahead(
    model_id text, inputs anyarray, ahead anyarray, in_flight integer, dimension integer
) returns table (item integer, embedding text, error jsonb)
language sql
as $$ select * from polarlens._embed_ahead(model_id, inputs, ahead, in_flight, dimension) $$;

create or replace function polar_ai._embed(
    model_id text, inputs text[], in_flight integer default null
) returns table (item integer, embedding text, error jsonb)
language sql
as $$ select * from polarlens._embed(model_id, inputs, in_flight) $$;

create or replace function polar_ai._thumbnails(
    paths text[], size integer
) returns table (item integer, content bytea, error jsonb)
language sql
as $$ select * from polarlens._thumbnails(paths, size) $$;

comment on function polar_ai._raise(jsonb) is 'Internal: the former name of polarlens._raise.';

comment on function polar_ai._fingerprints(text[]) is 'Internal: the former name of polarlens._fingerprints.';

comment on function polar_ai._swap_table(regclass, regclass) is 'Internal: the former name of polarlens._swap_table.';

comment on function polar_ai._embed_ahead(text, anyarray, anyarray, integer, integer) is
'Internal: the former name of polarlens._embed_ahead.';

comment on function polar_ai._embed(text, text[], integer) is 'Internal: the former name of polarlens._embed.';

comment on function polar_ai._thumbnails(text[], integer) is 'Internal: the former name of polarlens._thumbnails.';
