-- PolarDB's URLs oss://key:secret@endpoint/bucket/path put a secret into the statement, and PostgreSQL logs the
-- statement of every error.
create or replace function polar_ai._raise_loading(error jsonb, path text) returns void
language plpgsql
set search_path to pg_catalog, pg_temp
as $$
begin
    if lower(left(path, 6)) = 'oss://' then
        perform polar_ai._raise_unlogged(error);
    end if;
    perform polarlens._raise(error);
end
$$;

comment on function polar_ai._raise_loading(jsonb, text) is
'Internal: raises an error of loading a path, without logging the statement if the path holds a secret.';

-- Runs as the owner, because only a superuser may change what the server logs.
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

-- Also runs as the owner, so that the statement of the warning is not logged either.
create or replace function polar_ai._warn_of_secret() returns void
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
set log_min_error_statement to 'panic'
as $$
begin
    if current_setting('log_statement') = 'all' or current_setting('log_min_duration_statement') <> '-1' then
        raise warning 'this server logs its statements, and this one may hold the secret of an oss:// URL'
        using hint = 'A location keeps secrets out of SQL: see polar_ai.ai_createlocation.';
    end if;
end
$$;

comment on function polar_ai._warn_of_secret() is
'Internal: warns where statements, and so the secrets of oss:// URLs in them, go to the server''s log.';
