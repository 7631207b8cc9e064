{#- PL/pgSQL that refuses an empty query before a model is asked. -#}
{% macro _check_query(query, what='query') -%}
    if {{ query }} is null or btrim({{ query }}) = '' then
        raise exception 'the {{ what }} is empty: say what to look for'
        using errcode = 'null_value_not_allowed';
    end if;
{%- endmacro %}
