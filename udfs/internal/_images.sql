create or replace function polar_ai._image_as_base64(image bytea, mime_type boolean, out content text, out error jsonb)
language plpython3u
set search_path to pg_catalog, pg_temp
as $$
if "@runtime@" not in GD: plpy.execute("select polar_ai._load_runtime()")
return GD["@runtime@"].image_as_base64(plpy, image, mime_type)
$$;

comment on function polar_ai._image_as_base64(bytea, boolean) is
'Internal: the PL/Python half of ai_imageasbase64; returns the text, or the error to raise.';

create or replace function polar_ai._image_from_base64(image text, out content bytea, out error jsonb)
language plpython3u
set search_path to pg_catalog, pg_temp
as $$
if "@runtime@" not in GD: plpy.execute("select polar_ai._load_runtime()")
return GD["@runtime@"].image_from_base64(plpy, image)
$$;

comment on function polar_ai._image_from_base64(text) is
'Internal: the PL/Python half of ai_imagefrombase64; returns the bytes, or the error to raise.';

create or replace function polar_ai._resize_image(
    image bytea, width integer, height integer, out content bytea, out error jsonb
)
language plpython3u
set search_path to pg_catalog, pg_temp
as $$
if "@runtime@" not in GD: plpy.execute("select polar_ai._load_runtime()")
return GD["@runtime@"].resize_image(plpy, image, width, height)
$$;

comment on function polar_ai._resize_image(bytea, integer, integer) is
'Internal: the PL/Python half of ai_resizeimage; returns the picture, or the error to raise.';
