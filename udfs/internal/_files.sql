-- The functions of this file run as the owner, because they read the secrets of locations.
create or replace function polar_ai._load_file(
    url text, buffer_limit integer, permits text, out content bytea, out error jsonb
)
language plpython3u
security definer
set search_path to pg_catalog, pg_temp
as $$
if "@runtime@" not in GD: plpy.execute("select polar_ai._load_runtime()")
return GD["@runtime@"].load_file(plpy, url, buffer_limit, permits)
$$;

comment on function polar_ai._load_file(text, integer, text) is
'Internal: the PL/Python half of ai_loadfile; returns the bytes, or the error to raise.';

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

comment on function polar_ai._load_thumbnails(text[], integer, text) is
'Internal: the PL/Python half of ai_thumbnail and _thumbnails; returns a picture or an error for each path.';

create or replace function polar_ai._presign_url(
    path text, seconds integer, permits text, out url text, out error jsonb
)
language plpython3u
security definer
set search_path to pg_catalog, pg_temp
as $$
if "@runtime@" not in GD: plpy.execute("select polar_ai._load_runtime()")
return GD["@runtime@"].presign_url(plpy, path, seconds, permits)
$$;

comment on function polar_ai._presign_url(text, integer, text) is
'Internal: the PL/Python half of ai_presignurl; returns the URL, or the error to raise.';

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

comment on function polar_ai._list_files(text, text, text) is
'Internal: the PL/Python half of ai_listfiles; yields a row for each file, and an error as the last row.';

create or replace function polar_ai._test_location(
    location_name text, permits text, out path text, out error jsonb
)
language plpython3u
security definer
set search_path to pg_catalog, pg_temp
as $$
if "@runtime@" not in GD: plpy.execute("select polar_ai._load_runtime()")
return GD["@runtime@"].test_location(plpy, location_name, permits)
$$;

comment on function polar_ai._test_location(text, text) is
'Internal: the PL/Python half of ai_testlocation; returns the path of one object, or the error.';
