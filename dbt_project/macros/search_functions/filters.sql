{#- The filters of a search: for each name, what its value must be (PL/pgSQL over v_value, the JSON: true where it is right), how to
    say so, and the condition over d, the details, that stands in the statement. The value comes as a parameter, $4. -#}
{% macro _filters(kind) %}
    {%- set ids = "(v_value #>> '{}') ~ '^\\[\\s*(\\d{1,18}\\s*(,\\s*\\d{1,18}\\s*)*)?\\]$'" -%}
    {%- set key = 'image_id' if kind == 'images' else 'text_id' -%}
    {%- set config = var('text_search_config', 'simple') -%}
    {%- set words = polarlens.photo_words('d') if kind == 'images' else "to_tsvector('" ~ config ~ "', d.content)" -%}
    {%- set common = [
        {'name': 'ids', 'must': 'an array of keys', 'valid': ids,
            'condition': "d." ~ key ~ " = any (translate($4 ->> 'ids', '[]', '{}')::bigint[])"},
        {'name': 'not_ids', 'must': 'an array of keys', 'valid': ids,
            'condition': "d." ~ key ~ " <> all (translate($4 ->> 'not_ids', '[]', '{}')::bigint[])"},
        {'name': 'words', 'must': 'a text, as websearch_to_tsquery reads it', 'valid': "jsonb_typeof(v_value) = 'string'",
            'condition': words ~ " @@ websearch_to_tsquery('" ~ config ~ "', $4 ->> 'words')"}
    ] -%}
    {%- if kind != 'images' -%}{{ return(common) }}{%- endif -%}
    {{ return(common + [
        {'name': 'path_prefix', 'must': 'a text', 'valid': "jsonb_typeof(v_value) = 'string'",
            'condition': "starts_with(d.path, $4 ->> 'path_prefix')"},
        {'name': 'taken_from', 'must': 'a time, the first inside', 'valid': "(v_value #>> '{}')::timestamptz is not null",
            'condition': "d.taken_at >= ($4 ->> 'taken_from')::timestamptz"},
        {'name': 'taken_before', 'must': 'a time, the first outside', 'valid': "(v_value #>> '{}')::timestamptz is not null",
            'condition': "d.taken_at < ($4 ->> 'taken_before')::timestamptz"},
        {'name': 'box', 'must': 'an object of south, west, north and east in degrees',
            'valid': polarlens._has_numbers(['south', 'west', 'north', 'east']),
            'condition': polarlens._box_condition()},
        {'name': 'near', 'must': 'an object of latitude, longitude and km', 'valid': polarlens._has_numbers(['latitude', 'longitude', 'km']),
            'condition': polarlens._near_condition()},
        {'name': 'attributes', 'must': 'an object that the attributes contain', 'valid': "jsonb_typeof(v_value) = 'object'",
            'condition': "d.attributes @> ($4 -> 'attributes')"}
    ]) }}
{% endmacro %}


{#- An object of exactly these numbers. -#}
{% macro _has_numbers(names) -%}
    v_value ?& array['{{ names | join("', '") }}'] and not exists (
        select from jsonb_each(v_value) as f
        where f.key <> all (array['{{ names | join("', '") }}']) or jsonb_typeof(f.value) <> 'number'
    )
{%- endmacro %}


{#- Inside a box; one whose west is east of its east crosses the date line. -#}
{% macro _box_condition() -%}
    {%- set south, west, north, east = "($4 #>> '{box,south}')::float8", "($4 #>> '{box,west}')::float8", "($4 #>> '{box,north}')::float8", "($4 #>> '{box,east}')::float8" -%}
    d.latitude between {{ south }} and {{ north }} and case
        when {{ west }} <= {{ east }} then d.longitude between {{ west }} and {{ east }}
        else d.longitude >= {{ west }} or d.longitude <= {{ east }}
    end
{%- endmacro %}


{#- Within km of a place, by the haversine formula on a sphere; the band of latitudes is what an index can serve. -#}
{% macro _near_condition() -%}
    {%- set latitude, longitude, km = "($4 #>> '{near,latitude}')::float8", "($4 #>> '{near,longitude}')::float8", "($4 #>> '{near,km}')::float8" -%}
    d.latitude between {{ latitude }} - {{ km }} / 110.5 and {{ latitude }} + {{ km }} / 110.5
    and 12742.0176 * asin(least(1, sqrt(
        sin(radians(d.latitude - {{ latitude }}) / 2) ^ 2
        + cos(radians(d.latitude)) * cos(radians({{ latitude }})) * sin(radians(d.longitude - {{ longitude }}) / 2) ^ 2
    ))) <= {{ km }}
{%- endmacro %}
