-- Is plain SQL, stable and without a SET clause, so that the planner can inline it: rows stream, and a LIMIT ends the
-- listing. Names and operators are therefore qualified.
create or replace function polar_ai.ai_listfiles(
    location text, prefix text default '', pattern text default null
) returns table (path text, size bigint, last_modified timestamptz, etag text, content_type text)
language sql stable
as $$
select
    ai_listfiles.location operator(pg_catalog.||) ':' operator(pg_catalog.||) (checked.file).path,
    (checked.file).size,
    (checked.file).last_modified,
    (checked.file).etag,
    (checked.file).content_type
from (
    -- An error is the last row. OFFSET keeps the caller's conditions out of the query that raises it: a condition that
    -- the row does not meet would make an incomplete listing look complete.
    select
        listed.file,
        case
            when (listed.file).error is not null then polarlens._raise((listed.file).error)::pg_catalog.text is null
        end as raised
    from (
        select
            polar_ai._list_files(
                ai_listfiles.location, coalesce(ai_listfiles.prefix, ''),
                polar_ai._location_permits(ai_listfiles.location)
            ) as file
        from polar_ai._location_seq(ai_listfiles.location) as known
    ) as listed
    offset 0
) as checked
where ai_listfiles.pattern is null or (checked.file).path operator(pg_catalog.~*) ai_listfiles.pattern
$$;

comment on function polar_ai.ai_listfiles(text, text, text) is
'What lies in a location below prefix (the beginning of a path, such as 2024/), at any depth; pattern is a regular
expression that paths have to match, whatever their case: ''\.jpe?g$''. path is what ai_loadfile takes. etag changes
with the content (for a folder of the server: size and time of change). content_type is the store''s where its
listing has it, and else what the name says. Rows come as the store''s pages do: a LIMIT ends the listing, and
millions stream through. Errors: 42704 no such location, 42501 not granted, else as ai_loadfile.';

revoke all on function polar_ai.ai_listfiles(text, text, text) from public;
grant execute on function polar_ai.ai_listfiles(text, text, text) to polar_ai_user, polar_ai_admin;
