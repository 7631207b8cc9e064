-- The functions of this file embed with models of known providers. They run as the owner, because they read the token.
create or replace function polar_ai._embed_provider(
    model_id text, permit text, inputs text[], ahead text[], in_flight integer, dimension integer
) returns table (item integer, embedding text, error jsonb)
language plpython3u
security definer
set search_path to pg_catalog, pg_temp
as $$
if "@runtime@" not in GD: plpy.execute("select polar_ai._load_runtime()")
return GD["@runtime@"].embed(plpy, model_id, permit, inputs, ahead, in_flight, dimension)
$$;

comment on function polar_ai._embed_provider(text, text, text[], text[], integer, integer) is
'Internal: the PL/Python half of _embed_batch, for texts and paths.';

create or replace function polar_ai._embed_bytes(
    model_id text, permit text, inputs bytea[], ahead bytea[], in_flight integer, dimension integer
) returns table (item integer, embedding text, error jsonb)
language plpython3u
security definer
set search_path to pg_catalog, pg_temp
as $$
if "@runtime@" not in GD: plpy.execute("select polar_ai._load_runtime()")
return GD["@runtime@"].embed(plpy, model_id, permit, inputs, ahead, in_flight, dimension)
$$;

comment on function polar_ai._embed_bytes(text, text, bytea[], bytea[], integer, integer) is
'Internal: the PL/Python half of _embed_batch, for pictures in the database.';

create or replace function polar_ai._embed_one(
    model_id text, permit text, fingerprint text, content text, out embedding real[], out error jsonb
)
language plpython3u
security definer
set search_path to pg_catalog, pg_temp
as $$
if "@runtime@" not in GD: plpy.execute("select polar_ai._load_runtime()")
return GD["@runtime@"].embed_one(plpy, model_id, permit, fingerprint, content)
$$;

comment on function polar_ai._embed_one(text, text, text, text) is 'Internal: the PL/Python half of _embedding.';
