create or replace function polar_ai.ai_loadfile(url text, buffer_limit integer default 100) returns bytea
language plpgsql strict
set search_path to pg_catalog, pg_temp
as $$
declare
    v_loaded record;
begin
    if buffer_limit < 0 then
        raise exception 'buffer_limit is %, but it counts megabytes', buffer_limit
        using errcode = 'invalid_parameter_value', hint = '0 means no limit.';
    end if;
    select f.content, f.error into v_loaded
    from polar_ai._load_file(url, buffer_limit, polar_ai._location_permits(split_part(url, ':', 1))) as f;
    if v_loaded.error is not null then
        perform polar_ai._raise_loading(v_loaded.error, url);
    end if;
    return v_loaded.content;
end
$$;

comment on function polar_ai.ai_loadfile(text, integer) is
'The bytes of a file: photos:2024/cat.jpg in a location (ai_createlocation), an http or https URL,
file:///folder/photo.jpg or /folder/photo.jpg on the database server, or a data URL; PolarDB''s
oss://key:secret@endpoint/bucket/path too: errors mask its secret, but PostgreSQL itself shows statements, in
pg_stat_activity, in its log where log_statement or log_min_duration_statement say so, and in the CONTEXT of errors
in functions; a location keeps the secret out of SQL. Beside locations, reaches only what the allow-list names
(ai_allow). NULL where the file is larger than buffer_limit megabytes (default 100; 0 for no limit) or an argument
is NULL. Errors: 58P01 no such file or location, 42501 not allowed or not granted, 28000 credentials refused, 58030
unreadable, 08001/08006 server not reached or broken off, 53000 overloaded, 22023 malformed URL.';

revoke all on function polar_ai.ai_loadfile(text, integer) from public;
grant execute on function polar_ai.ai_loadfile(text, integer) to polar_ai_user, polar_ai_admin;
