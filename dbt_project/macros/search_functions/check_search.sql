{#- PL/pgSQL that refuses a k or an ef_search out of bounds, and a NULL or zero vector where there is one. -#}
{% macro _check_search(k, ef_search=none, vector=none) -%}
    if {{ k }} is null or {{ k }} < 1 or {{ k }} > 10000 then
        raise exception 'k is %: it says how many results, from 1 to 10000', coalesce({{ k }}::text, 'NULL')
        using errcode = 'invalid_parameter_value';
    end if;
    {%- if ef_search %}
    if {{ ef_search }} not between 1 and 1000 then
        raise exception 'ef_search is %: it says how many candidates a search keeps, from 1 to 1000', {{ ef_search }}
        using errcode = 'invalid_parameter_value';
    end if;
    {%- endif %}
    {%- if vector %}
    if {{ vector }} is null then
        raise exception 'the query vector is NULL: every row would be as near as any other'
        using errcode = 'null_value_not_allowed',
        hint = 'Where it is read from a table: is the row there, and embedded?';
    elsif vector_norm({{ vector }}::vector) = 0 then
        raise exception 'the query vector is all zeros: it is in no direction'
        using errcode = 'invalid_parameter_value';
    end if;
    {%- endif %}
{%- endmacro %}
