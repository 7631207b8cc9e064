create or replace function search_internal.text_filter(
    filters jsonb
) returns text
language plpgsql stable
set search_path to pg_catalog, public, pg_temp
as $body$
    #variable_conflict use_column
    -- As photo_filter, for texts.
declare
    v_name text;
    v_value jsonb;
    v_must text;
    v_valid boolean;
    v_where text := '';
begin
    if filters is null then
        return '';
    elsif jsonb_typeof(filters) <> 'object' then
        raise exception 'filters is a JSON %, not an object', jsonb_typeof(filters)
        using errcode = 'invalid_parameter_value', hint = 'For example: filters => ''{"words": "night"}''';
    end if;
    for v_name, v_value in select f.key, f.value from jsonb_each(filters) as f loop
        v_valid := false;
        begin
            case v_name
            when 'ids' then
                v_must := 'an array of keys';
                v_valid := (v_value #>> '{}') ~ '^\[\s*(\d{1,18}\s*(,\s*\d{1,18}\s*)*)?\]$';
                v_where := v_where || $condition$
            and (
                d.text_id = any (translate($4 ->> 'ids', '[]', '{}')::bigint[])
            )$condition$;
            when 'not_ids' then
                v_must := 'an array of keys';
                v_valid := (v_value #>> '{}') ~ '^\[\s*(\d{1,18}\s*(,\s*\d{1,18}\s*)*)?\]$';
                v_where := v_where || $condition$
            and (
                d.text_id <> all (translate($4 ->> 'not_ids', '[]', '{}')::bigint[])
            )$condition$;
            when 'words' then
                v_must := 'a text, as websearch_to_tsquery reads it';
                v_valid := jsonb_typeof(v_value) = 'string';
                v_where := v_where || $condition$
            and (
                to_tsvector('simple', d.content) @@ websearch_to_tsquery('simple', $4 ->> 'words')
            )$condition$;
            end case;
        exception
            when case_not_found then
                raise exception 'there is no filter %', v_name
                using errcode = 'invalid_parameter_value',
                hint = 'There are: ids, not_ids, words.';
            when data_exception then
                v_valid := false;
        end;
        if v_valid is not true then
            raise exception 'the filter % is %, not %', v_name, v_value, v_must
            using errcode = 'invalid_parameter_value';
        end if;
    end loop;
    return v_where;
end
-- depends_on: "search_internal"."text_embeddings"
$body$;
