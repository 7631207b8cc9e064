-- The work: rows as they come; needs the secret, and so runs as the owner.
create or replace function polar_ai._list_files(
    location_name text, prefix text, permits text
) returns table (path text, size bigint, last_modified timestamptz, etag text, content_type text, error jsonb)
language plpython3u
security definer
set search_path to pg_catalog, pg_temp
as $$
if "@runtime@" not in GD: plpy.execute("select polar_ai._load_runtime()")
return GD["@runtime@"].list_files(plpy, location_name, prefix, permits)
$$;

comment on function polar_ai._list_files(text, text, text) is 'Internal: the work of ai_listfiles.';

revoke all on function polar_ai._list_files(text, text, text) from public;
grant execute on function polar_ai._list_files(text, text, text) to polar_ai_user, polar_ai_admin;

create or replace function polar_ai.ai_listfiles(
    location text, prefix text default '', pattern text default null
) returns table (path text, size bigint, last_modified timestamptz, etag text, content_type text)
language plpgsql
set search_path to pg_catalog, pg_temp
as $$
begin
    perform polar_ai._location_seq(ai_listfiles.location);
    -- An error is the last row, and has no path. One CASE: of conditions beside each other, the planner chooses the first.
    return query
    select ai_listfiles.location || ':' || f.path, f.size, f.last_modified, f.etag, f.content_type
    from polar_ai._list_files(
        ai_listfiles.location, coalesce(ai_listfiles.prefix, ''), polar_ai._location_permits(ai_listfiles.location)
    ) as f
    where
        case
            when f.error is not null then polar_ai._raise(f.error)::text is null
            else ai_listfiles.pattern is null or f.path ~* ai_listfiles.pattern
        end;
end
$$;

comment on function polar_ai.ai_listfiles(text, text, text) is
'What lies in a location below prefix (the beginning of a path, such as 2024/), at any depth; pattern is a regular expression that
paths have to match, whatever their case: ''\.jpe?g$''. path is what ai_loadfile takes. etag changes with the content (for a folder
of the server: size and time of change). content_type is the store''s where its listing has it, and else what the name says.
Millions of rows stream through, page by page. Errors: 42704 no such location, 42501 not granted, else as ai_loadfile.';

revoke all on function polar_ai.ai_listfiles(text, text, text) from public;
grant execute on function polar_ai.ai_listfiles(text, text, text) to polar_ai_user, polar_ai_admin;
