{#- PL/pgSQL that refuses an empty query before a model is called. -#}
{% macro _check_query(query, subject='query') -%}
    if {{ query }} is null or btrim({{ query }}) = '' then
        raise exception 'the {{ subject }} is empty: say what to look for'
        using errcode = 'null_value_not_allowed';
    end if;
{%- endmacro %}


{#- PL/pgSQL that refuses a k or an ef_search out of bounds, and a NULL or zero vector. -#}
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


{#- PL/pgSQL that refuses the name of a space that does not exist, or that has no model for such a query. -#}
{% macro _raise_unknown_space(space, entity, model_role='') -%}
    {%- set by = {'text_model': ' by a text', 'image_model': ' by a photo'}.get(model_role, '') -%}
    {%- set known = polarlens._spaces() | selectattr(entity, 'defined') | selectattr(model_role or entity) -%}
    raise exception 'there is no model % to search {{ entity }} with{{ by }}', {{ space }}
    using errcode = 'undefined_object',
    hint = 'Choose one of: {{ known | map(attribute=entity) | join(", ") }}; or leave it out.';
{%- endmacro %}
