-- Said only where it is known to be so. The warning's own statement is kept out of the log, as with _raise_unlogged.
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
