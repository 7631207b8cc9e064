create or replace function polarlens._refresh_lock_key(relation text) returns bigint
language sql immutable parallel safe
set search_path to pg_catalog, pg_temp
as $$
select hashtextextended('polarlens ' || _refresh_lock_key.relation, 0)
$$;

comment on function polarlens._refresh_lock_key(text) is
'Internal: the key of the advisory lock that the session refreshing an embedding table (schema.name) holds.';
