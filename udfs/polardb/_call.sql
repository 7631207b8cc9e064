-- The one function that calls the native extension, whose transform functions must find what the caller finds.
-- Everything else pins its search_path. The SET clause takes the caller's away again, also after an error.
create or replace function polarlens._call(model_id text, content anyelement, caller_path text) returns jsonb
language plpgsql
set search_path to pg_catalog, pg_temp
as $$
begin
    perform set_config('search_path', caller_path, true);
    return polar_ai.ai_callmodel(_call.model_id, _call.content)::pg_catalog.jsonb;
end
$$;

comment on function polarlens._call(text, anyelement, text) is
'Internal: calls a model of the native extension under the caller''s search_path.';
