-- The functions of this file run as the owner, because they read the model's token.
create or replace function polar_ai._post(
    model_id text, permit text, body text, headers text, out content text, out error jsonb
)
language plpython3u
security definer
set search_path to pg_catalog, pg_temp
as $$
if "@runtime@" not in GD: plpy.execute("select polar_ai._load_runtime()")
return GD["@runtime@"].post(plpy, model_id, permit, body, headers)
$$;

comment on function polar_ai._post(text, text, text, text) is
'Internal: sends a request body to a registered model''s URL with its token and returns the answer''s JSON.';

create or replace function polar_ai._call_provider(
    model_id text, permit text, input text, out content text, out error jsonb
)
language plpython3u
security definer
set search_path to pg_catalog, pg_temp
as $$
if "@runtime@" not in GD: plpy.execute("select polar_ai._load_runtime()")
return GD["@runtime@"].call_provider(plpy, model_id, permit, input)
$$;

comment on function polar_ai._call_provider(text, text, text) is
'Internal: asks a generating or classifying model of a known provider and returns its answer as JSON.';

create or replace function polar_ai._call_raw(
    model_id text, permit text, request_body text, input text, request_headers text,
    out status integer, out headers jsonb, out body text, out milliseconds double precision, out error jsonb
)
language plpython3u
security definer
set search_path to pg_catalog, pg_temp
as $$
if "@runtime@" not in GD: plpy.execute("select polar_ai._load_runtime()")
return GD["@runtime@"].call_raw(plpy, model_id, permit, request_body, input, request_headers)
$$;

comment on function polar_ai._call_raw(text, text, text, text, text) is
'Internal: sends one request and returns the answer, whatever its status. The PL/Python half of ai_callmodel_raw.';

create or replace function polar_ai._post_many(
    model_id text, permit text, bodies text[], headers text, most integer, in_flight integer
) returns table (item integer, content text, error jsonb)
language plpython3u
security definer
set search_path to pg_catalog, pg_temp
as $$
if "@runtime@" not in GD: plpy.execute("select polar_ai._load_runtime()")
return GD["@runtime@"].post_many(plpy, model_id, permit, bodies, headers, most, in_flight)
$$;

comment on function polar_ai._post_many(text, text, text[], text, integer, integer) is
'Internal: sends request bodies, merged as model_config.batch says, and returns a response or an error for each.';

create or replace function polar_ai._probe(model_id text, permit text, out dimension integer, out error jsonb)
language plpython3u
security definer
set search_path to pg_catalog, pg_temp
as $$
if "@runtime@" not in GD: plpy.execute("select polar_ai._load_runtime()")
return GD["@runtime@"].probe(plpy, model_id, permit)
$$;

comment on function polar_ai._probe(text, text) is
'Internal: sends one small input and returns the dimension of the answer. The PL/Python half of ai_testmodel.';
