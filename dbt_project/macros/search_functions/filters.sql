{#- The body of a function from filters to the conditions of a statement: fixed texts, chosen by the names that are
    there. -#}
{% macro _filter_function(entity) -%}
{%- set known = polarlens._filters(entity) -%}
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
            {%- for filter in known %}
            when '{{ filter.name }}' then
                v_must := '{{ filter.must }}';
                v_valid := {{ filter.valid | indent(12) }};
                v_where := v_where || $condition$
            and (
                {{ filter.condition | indent(12) }}
            )$condition$;
            {%- endfor %}
            end case;
        exception
            when case_not_found then
                raise exception 'there is no filter %', v_name
                using errcode = 'invalid_parameter_value',
                hint = 'There are: {{ known | map(attribute="name") | join(", ") }}.';
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
{%- endmacro %}


{#- The filters of a search: for each name, what its value must be (PL/pgSQL over v_value, the JSON: true where it is
    right), how to say so, and the condition over d, the details, that stands in the statement. The filters come as $4.
    -#}
{% macro _filters(entity) %}
    {%- set key = {'images': 'image_id', 'texts': 'text_id'}[entity] -%}
    {%- set config = var('text_search_config', 'simple') -%}
    {%- set are_keys -%} (v_value #>> '{}') ~ '^\[\s*(\d{1,18}\s*(,\s*\d{1,18}\s*)*)?\]$' {%- endset -%}
    {%- set is_text -%} jsonb_typeof(v_value) = 'string' {%- endset -%}
    {%- set is_time -%} (v_value #>> '{}')::timestamptz is not null {%- endset -%}
    {%- set is_object -%} jsonb_typeof(v_value) = 'object' {%- endset -%}

    {%- set ids -%} d.{{ key }} = any (translate($4 ->> 'ids', '[]', '{}')::bigint[]) {%- endset -%}
    {%- set not_ids -%} d.{{ key }} <> all (translate($4 ->> 'not_ids', '[]', '{}')::bigint[]) {%- endset -%}
    {%- set text_words -%} to_tsvector('{{ config }}', d.content) {%- endset -%}
    {%- set document = polarlens.photo_words('d') if entity == 'images' else text_words -%}
    {%- set words -%} {{ document }} @@ websearch_to_tsquery('{{ config }}', $4 ->> 'words') {%- endset -%}
    {%- set common = [
        {'name': 'ids', 'must': 'an array of keys', 'valid': are_keys, 'condition': ids},
        {'name': 'not_ids', 'must': 'an array of keys', 'valid': are_keys, 'condition': not_ids},
        {'name': 'words', 'must': 'a text, as websearch_to_tsquery reads it', 'valid': is_text, 'condition': words}
    ] -%}
    {%- if entity != 'images' -%}{{ return(common) }}{%- endif -%}

    {%- set path_prefix -%} starts_with(d.path, $4 ->> 'path_prefix') {%- endset -%}
    {%- set taken_from -%} d.taken_at >= ($4 ->> 'taken_from')::timestamptz {%- endset -%}
    {%- set taken_before -%} d.taken_at < ($4 ->> 'taken_before')::timestamptz {%- endset -%}
    {%- set attributes -%} d.attributes @> ($4 -> 'attributes') {%- endset -%}
    {#- A box whose west is east of its east crosses the date line. -#}
    {%- set box -%}
    d.latitude between ($4 #>> '{box,south}')::float8 and ($4 #>> '{box,north}')::float8
    and case
        when ($4 #>> '{box,west}')::float8 <= ($4 #>> '{box,east}')::float8
            then d.longitude between ($4 #>> '{box,west}')::float8 and ($4 #>> '{box,east}')::float8
        else d.longitude >= ($4 #>> '{box,west}')::float8 or d.longitude <= ($4 #>> '{box,east}')::float8
    end
    {%- endset -%}
    {#- The haversine formula on a sphere; the band of latitudes is what an index can serve. -#}
    {%- set near -%}
    d.latitude between ($4 #>> '{near,latitude}')::float8 - ($4 #>> '{near,km}')::float8 / 110.5
    and ($4 #>> '{near,latitude}')::float8 + ($4 #>> '{near,km}')::float8 / 110.5
    and 12742.0176 * asin(least(1, sqrt(
        sin(radians(d.latitude - ($4 #>> '{near,latitude}')::float8) / 2) ^ 2
        + cos(radians(d.latitude)) * cos(radians(($4 #>> '{near,latitude}')::float8))
        * sin(radians(d.longitude - ($4 #>> '{near,longitude}')::float8) / 2) ^ 2
    ))) <= ($4 #>> '{near,km}')::float8
    {%- endset -%}
    {{ return(common + [
        {'name': 'path_prefix', 'must': 'a text', 'valid': is_text, 'condition': path_prefix},
        {'name': 'taken_from', 'must': 'a time, the first inside', 'valid': is_time, 'condition': taken_from},
        {'name': 'taken_before', 'must': 'a time, the first outside', 'valid': is_time, 'condition': taken_before},
        {'name': 'box', 'must': 'an object of south, west, north and east in degrees', 'condition': box,
            'valid': polarlens._has_numbers(['south', 'west', 'north', 'east'])},
        {'name': 'near', 'must': 'an object of latitude, longitude and km', 'condition': near,
            'valid': polarlens._has_numbers(['latitude', 'longitude', 'km'])},
        {'name': 'attributes', 'must': 'an object that the attributes contain', 'valid': is_object,
            'condition': attributes}
    ]) }}
{% endmacro %}


{#- PL/pgSQL: whether v_value is an object of exactly these numbers. -#}
{% macro _has_numbers(names) -%}
    v_value ?& array['{{ names | join("', '") }}'] and not exists (
        select from jsonb_each(v_value) as f
        where f.key <> all (array['{{ names | join("', '") }}']) or jsonb_typeof(f.value) <> 'number'
    )
{%- endmacro %}
