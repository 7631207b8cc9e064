create or replace function polar_ai._cached_models() returns text[]
language plpython3u
set search_path to pg_catalog, pg_temp
as $$
if "@runtime@" not in GD: plpy.execute("select polar_ai._load_runtime()")
return GD["@runtime@"].cached_models(plpy)
$$;

comment on function polar_ai._cached_models() is
'Internal: the PL/Python half of ai_modelcachelists.';
