-- PostgreSQL logs the statement of every error, and this one holds a secret. Only the owner may turn that off.
create or replace function polar_ai._raise_unlogged(error jsonb) returns void
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
set log_min_error_statement to 'panic'
as $$
begin
    perform polarlens._raise(error);
end
$$;

comment on function polar_ai._raise_unlogged(jsonb) is
'Internal: raises an error whose statement does not go to the server''s log.';
