create or replace function polarlens._thumbnails(
    paths text[], size integer
) returns table (item integer, content bytea, error jsonb)
language plpgsql strict
set search_path to pg_catalog, pg_temp
as $$
begin
    for item, content, error in
        select t.item, t.content, t.error
        from polar_ai._load_thumbnails(paths, size, polar_ai._location_permits()) as t
    loop
        -- A cancel is no photo's fault: it ends the statement.
        if item = 0 then
            perform polarlens._raise(error);
        end if;
        return next;
    end loop;
end
$$;

comment on function polarlens._thumbnails(text[], integer) is
'Internal: what ai_thumbnail makes, of many photos side by side. One row for each, in no order: the number of its
path, and the picture or why there is none.';
