-- The one function that runs transform functions, which belong to the caller and must find what the caller finds.
-- Everything else pins its search_path. The SET clause takes the caller's away again, also after an error.
create or replace function polar_ai._call_function(
    call text, argument_1 text, argument_2 anyelement, caller_path text
) returns jsonb
language plpgsql
set search_path to pg_catalog, pg_temp
as $$
declare
    v_statement constant text := format('select (%s)::pg_catalog.jsonb', call);
    v_result jsonb;
begin
    perform set_config('search_path', caller_path, true);
    -- From here on, every name and operator would be looked up in the caller's schemas.
    execute v_statement into v_result using argument_1, argument_2;
    return v_result;
end
$$;

comment on function polar_ai._call_function(text, text, anyelement, text) is
'Internal: calls a model''s transform function, with $1 and $2 in its arguments, under the caller''s search_path.';
