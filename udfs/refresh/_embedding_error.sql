-- Results of transform functions follow the same rules as the answers of known providers (udfs/runtime/vectors.py).
create or replace function polarlens._embedding_error(
    model_id text, result jsonb, dimension integer default null
) returns jsonb
language plpgsql stable
set search_path to pg_catalog, pg_temp
as $$
declare
    v_length jsonb;
    v_expected jsonb;
    v_message text;
begin
    if jsonb_typeof(result) <> 'array' then
        v_message := format('a JSON %s instead of an embedding', jsonb_typeof(result));
    elsif exists (select from jsonb_array_elements(result) as e where jsonb_typeof(e.value) <> 'number') then
        v_message := 'an embedding with something else than numbers in it';
    elsif exists (select from jsonb_array_elements(result) as e where abs(e.value::numeric) > 3.4028234e38) then
        v_message := 'an embedding with numbers too large for 32 bits';
    elsif (
        select coalesce(sum(e.value::numeric * e.value::numeric), 0) < 1e-24
        from jsonb_array_elements(result) as e
    ) then
        v_message := 'an embedding of zeros';
    end if;
    if v_message is not null then
        return jsonb_build_object(
            'message', format('model %s returned %s', model_id, v_message),
            'sqlstate', '08P01', 'stage', 'response', 'scope', 'item'
        );
    end if;

    v_length := to_jsonb(jsonb_array_length(result));
    select m.model_config -> 'dimension' into v_expected
    from polarlens.models as m
    where m.model_id = _embedding_error.model_id and jsonb_typeof(m.model_config -> 'dimension') = 'number';
    v_expected := coalesce(nullif(v_expected, v_length), to_jsonb(dimension), v_length);
    if v_expected = v_length then
        return null;
    end if;
    return jsonb_build_object(
        'message', format('model %s returned an embedding of %s dimensions, not %s', model_id, v_length, v_expected),
        'hint', 'Another model seems to answer at this URL. Register it under an id of its own, or alter '
            'the registered dimension (model_config) and refresh.',
        'sqlstate', '08P01', 'stage', 'response', 'scope', 'batch'
    );
end
$$;

comment on function polarlens._embedding_error(text, jsonb, integer) is
'Internal: the error in an embedding that a model''s transform functions returned, or NULL. dimension is that of the
table.';
