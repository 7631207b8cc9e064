create or replace function polar_ai.ai_thumbnail(path text, size integer default 256) returns bytea
language plpgsql strict
set search_path to pg_catalog, pg_temp
as $$
declare
    v_made record;
begin
    select t.content, t.error into v_made
    from polar_ai._load_thumbnails(array[path], size, polar_ai._location_permits(split_part(path, ':', 1))) as t;
    if v_made.error is not null then
        perform polar_ai._raise_loading(v_made.error, path);
    end if;
    return v_made.content;
end
$$;

comment on function polar_ai.ai_thumbnail(text, integer) is
'A photo as a small upright JPEG, its longer side size pixels at the most (default 256): for tools that show bytes.
path is what ai_loadfile takes. Errors: 22P03 no picture (a video, audio, damaged), else as ai_loadfile.';

revoke all on function polar_ai.ai_thumbnail(text, integer) from public;
grant execute on function polar_ai.ai_thumbnail(text, integer) to polar_ai_user, polar_ai_admin;
