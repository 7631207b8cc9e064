-- The work: loading and reducing in worker threads; as the owner for the secrets' sake.
create or replace function polar_ai._load_thumbnails(
    paths text[], size integer, permits text
) returns table (item integer, content bytea, error jsonb)
language plpython3u
security definer
set search_path to pg_catalog, pg_temp
as $$
if "@runtime@" not in GD: plpy.execute("select polar_ai._load_runtime()")
return GD["@runtime@"].load_thumbnails(plpy, paths, size, permits)
$$;

comment on function polar_ai._load_thumbnails(text[], integer, text) is 'Internal: the work of ai_thumbnail and _thumbnails.';

revoke all on function polar_ai._load_thumbnails(text[], integer, text) from public;
grant execute on function polar_ai._load_thumbnails(text[], integer, text) to polar_ai_user, polar_ai_admin;

create or replace function polar_ai._thumbnails(
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
            perform polar_ai._raise(error);
        end if;
        return next;
    end loop;
end
$$;

comment on function polar_ai._thumbnails(text[], integer) is
'Internal: what ai_thumbnail makes, of many photos side by side. One row for each, in no order: the number of its path, and the
picture or why there is none.';

revoke all on function polar_ai._thumbnails(text[], integer) from public;
grant execute on function polar_ai._thumbnails(text[], integer) to polar_ai_user, polar_ai_admin;

create or replace function polar_ai.ai_thumbnail(path text, size integer default 256) returns bytea
language plpgsql strict
set search_path to pg_catalog, pg_temp
as $$
declare
    v_made record;
begin
    select t.content, t.error into v_made
    from polar_ai._load_thumbnails(array[path], size, polar_ai._location_permits(split_part(path, ':', 1))) as t;
    if v_made.error is not null and lower(left(path, 6)) = 'oss://' then
        perform polar_ai._raise_unlogged(v_made.error);
    elsif v_made.error is not null then
        perform polar_ai._raise(v_made.error);
    end if;
    return v_made.content;
end
$$;

comment on function polar_ai.ai_thumbnail(text, integer) is
'A photo as a small upright JPEG, its longer side size pixels at the most (default 256): for tools that show bytes. path is what
ai_loadfile takes. Errors: 22P03 no picture (a video, audio, damaged), else as ai_loadfile.';

revoke all on function polar_ai.ai_thumbnail(text, integer) from public;
grant execute on function polar_ai.ai_thumbnail(text, integer) to polar_ai_user, polar_ai_admin;
