-- The work: a file's bytes or an error, from a worker thread that a cancel can end; as the owner for the secrets' sake.
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

comment on function polar_ai._load_file(text, integer, text) is 'Internal: the work of ai_loadfile.';

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

-- The work: signing needs the secret, and so runs as the owner.
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

comment on function polar_ai._presign_url(text, integer, text) is 'Internal: the work of ai_presignurl.';

-- The work: rows as they come; needs the secret, and so runs as the owner.
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

comment on function polar_ai._list_files(text, text, text) is 'Internal: the work of ai_listfiles.';

-- One listing and one object; needs the secret, and so runs as the owner.
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

comment on function polar_ai._test_location(text, text) is 'Internal: the work of ai_testlocation.';
