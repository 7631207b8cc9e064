create or replace function polar_ai.ai_resizeimage(image bytea, width integer, height integer) returns bytea
language plpgsql strict
set search_path to pg_catalog, pg_temp
as $$
declare
    v_made record;
begin
    select f.content, f.error into v_made from polar_ai._resize_image(image, width, height) as f;
    if v_made.error is not null then
        perform polarlens._raise(v_made.error);
    end if;
    return v_made.content;
end
$$;

comment on function polar_ai.ai_resizeimage(bytea, integer, integer) is
'The image at width × height pixels, upright (EXIF orientation applied), in its own format: JPEG (quality 75), PNG or
BMP; other formats become PNG where they have transparency and JPEG where they have none. A width or height ≤ 0
keeps the proportions. NULL for a NULL argument. Errors: 22P03 not an image or damaged, 54000 too large, 22023 no
size given.';

revoke all on function polar_ai.ai_resizeimage(bytea, integer, integer) from public;
grant execute on function polar_ai.ai_resizeimage(bytea, integer, integer) to polar_ai_user, polar_ai_admin;
