create or replace function polar_ai.ai_imagefrombase64(image text) returns bytea
language plpgsql strict
set search_path to pg_catalog, pg_temp
as $$
declare
    v_made record;
begin
    select f.content, f.error into v_made from polar_ai._image_from_base64(image) as f;
    if v_made.error is not null then
        perform polarlens._raise(v_made.error);
    end if;
    return v_made.content;
end
$$;

comment on function polar_ai.ai_imagefrombase64(text) is
'The bytes of an image in base64: data:image/…;base64,… as ai_imageasbase64 writes it, or bare base64.
NULL for NULL. Errors: 22P03 not valid base64.';

revoke all on function polar_ai.ai_imagefrombase64(text) from public;
grant execute on function polar_ai.ai_imagefrombase64(text) to polar_ai_user, polar_ai_admin;
