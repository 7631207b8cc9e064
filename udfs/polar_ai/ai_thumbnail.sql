-- The work: loading and reducing in one worker thread; as the owner for the secrets' sake.
create or replace function polar_ai._thumbnail(
    path text, size integer, permits text, out content bytea, out error jsonb
)
language plpython3u
security definer
set search_path to pg_catalog, pg_temp
as $$
if "@runtime@" not in GD: plpy.execute("select polar_ai._load_runtime()")
return GD["@runtime@"].thumbnail(plpy, path, size, permits)
$$;

comment on function polar_ai._thumbnail(text, integer, text) is 'Internal: the work of ai_thumbnail.';

revoke all on function polar_ai._thumbnail(text, integer, text) from public;
grant execute on function polar_ai._thumbnail(text, integer, text) to polar_ai_user, polar_ai_admin;

create or replace function polar_ai.ai_thumbnail(path text, size integer default 256) returns bytea
language plpgsql strict
set search_path to pg_catalog, pg_temp
as $$
declare
    v_made record;
begin
    select t.content, t.error into v_made
    from polar_ai._thumbnail(path, size, polar_ai._location_permits(split_part(path, ':', 1))) as t;
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
