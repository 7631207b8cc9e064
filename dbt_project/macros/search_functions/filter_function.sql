{#- The body of a function from filters to the conditions of a statement: fixed texts, chosen by the names that are there. -#}
{% macro _filter_function(kind) -%}
{%- set known = polarlens._filters(kind) -%}
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
                v_valid := {{ filter.valid }};
                v_where := v_where || $condition$ and ({{ filter.condition }})$condition$;
            {%- endfor %}
            end case;
        exception
            when case_not_found then
                raise exception 'there is no filter %', v_name
                using errcode = 'invalid_parameter_value', hint = 'There are: {{ known | map(attribute="name") | join(", ") }}.';
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
