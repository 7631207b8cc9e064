create or replace function search_internal.photo_filter(
    filters jsonb
) returns text
language plpgsql stable
set search_path to pg_catalog, public, pg_temp
as $body$
    #variable_conflict use_column
    -- Fixed conditions, chosen by name; the values stay parameters of the statement that they end up in.
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
                d.image_id = any (translate($4 ->> 'ids', '[]', '{}')::bigint[])
            )$condition$;
            when 'not_ids' then
                v_must := 'an array of keys';
                v_valid := (v_value #>> '{}') ~ '^\[\s*(\d{1,18}\s*(,\s*\d{1,18}\s*)*)?\]$';
                v_where := v_where || $condition$
            and (
                d.image_id <> all (translate($4 ->> 'not_ids', '[]', '{}')::bigint[])
            )$condition$;
            when 'words' then
                v_must := 'a text, as websearch_to_tsquery reads it';
                v_valid := jsonb_typeof(v_value) = 'string';
                v_where := v_where || $condition$
            and (
                to_tsvector('simple', coalesce(d.title, '') || ' ' || coalesce(d.caption, '')) @@ websearch_to_tsquery('simple', $4 ->> 'words')
            )$condition$;
            when 'path_prefix' then
                v_must := 'a text';
                v_valid := jsonb_typeof(v_value) = 'string';
                v_where := v_where || $condition$
            and (
                starts_with(d.path, $4 ->> 'path_prefix')
            )$condition$;
            when 'taken_from' then
                v_must := 'a time, the first inside';
                v_valid := (v_value #>> '{}')::timestamptz is not null;
                v_where := v_where || $condition$
            and (
                d.taken_at >= ($4 ->> 'taken_from')::timestamptz
            )$condition$;
            when 'taken_before' then
                v_must := 'a time, the first outside';
                v_valid := (v_value #>> '{}')::timestamptz is not null;
                v_where := v_where || $condition$
            and (
                d.taken_at < ($4 ->> 'taken_before')::timestamptz
            )$condition$;
            when 'box' then
                v_must := 'an object of south, west, north and east in degrees';
                v_valid := v_value ?& array['south', 'west', 'north', 'east'] and not exists (
                    select from jsonb_each(v_value) as f
                    where f.key <> all (array['south', 'west', 'north', 'east']) or jsonb_typeof(f.value) <> 'number'
                );
                v_where := v_where || $condition$
            and (
                d.latitude between ($4 #>> '{box,south}')::float8 and ($4 #>> '{box,north}')::float8
                and case
                    when ($4 #>> '{box,west}')::float8 <= ($4 #>> '{box,east}')::float8
                        then d.longitude between ($4 #>> '{box,west}')::float8 and ($4 #>> '{box,east}')::float8
                    else d.longitude >= ($4 #>> '{box,west}')::float8 or d.longitude <= ($4 #>> '{box,east}')::float8
                end
            )$condition$;
            when 'near' then
                v_must := 'an object of latitude, longitude and km';
                v_valid := v_value ?& array['latitude', 'longitude', 'km'] and not exists (
                    select from jsonb_each(v_value) as f
                    where f.key <> all (array['latitude', 'longitude', 'km']) or jsonb_typeof(f.value) <> 'number'
                );
                v_where := v_where || $condition$
            and (
                d.latitude between ($4 #>> '{near,latitude}')::float8 - ($4 #>> '{near,km}')::float8 / 110.5
                and ($4 #>> '{near,latitude}')::float8 + ($4 #>> '{near,km}')::float8 / 110.5
                and 12742.0176 * asin(least(1, sqrt(
                    sin(radians(d.latitude - ($4 #>> '{near,latitude}')::float8) / 2) ^ 2
                    + cos(radians(d.latitude)) * cos(radians(($4 #>> '{near,latitude}')::float8))
                    * sin(radians(d.longitude - ($4 #>> '{near,longitude}')::float8) / 2) ^ 2
                ))) <= ($4 #>> '{near,km}')::float8
            )$condition$;
            when 'attributes' then
                v_must := 'an object that the attributes contain';
                v_valid := jsonb_typeof(v_value) = 'object';
                v_where := v_where || $condition$
            and (
                d.attributes @> ($4 -> 'attributes')
            )$condition$;
            end case;
        exception
            when case_not_found then
                raise exception 'there is no filter %', v_name
                using errcode = 'invalid_parameter_value',
                hint = 'There are: ids, not_ids, words, path_prefix, taken_from, taken_before, box, near, attributes.';
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
-- depends_on: "search_internal"."image_embeddings"
$body$;
