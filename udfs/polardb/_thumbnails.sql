create or replace function polarlens._thumbnails(
    paths text[], size integer
) returns table (item integer, content bytea, error jsonb)
language sql immutable
set search_path to pg_catalog, pg_temp
as $$
select
    null::integer,
    null::bytea,
    null::jsonb
where false
$$;

comment on function polarlens._thumbnails(text[], integer) is
'Internal: no rows, because the native extension makes no thumbnails.';
