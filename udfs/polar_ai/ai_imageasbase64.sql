create or replace function polar_ai.ai_imageasbase64(image bytea, mime_type boolean default true) returns text
language plpgsql strict
set search_path to pg_catalog, pg_temp
as $$
declare
    v_made record;
begin
    select f.content, f.error into v_made from polar_ai._image_as_base64(image, mime_type) as f;
    if v_made.error is not null then
        perform polarlens._raise(v_made.error);
    end if;
    return v_made.content;
end
$$;

comment on function polar_ai.ai_imageasbase64(bytea, boolean) is
'The image''s bytes in base64: data:image/jpeg;base64,… where mime_type is true (the default), bare where it is false.
NULL for a NULL argument. Errors: 22P03 not an image.';

revoke all on function polar_ai.ai_imageasbase64(bytea, boolean) from public;
grant execute on function polar_ai.ai_imageasbase64(bytea, boolean) to polar_ai_user, polar_ai_admin;
