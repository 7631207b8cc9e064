{#- PL/pgSQL that sets v_model to the registered model that embeds queries for the space `model`, or refuses the name, or
    a model that has changed since the space was embedded. `needs` is text_model or image_model: a space of an image-only
    model has no text_model. A space is named by its photos' embedding model or by its texts'. -#}
{% macro _query_model(needs) -%}
    {%- set tables = {} -%}
    {%- for space in polarlens._spaces() | selectattr(needs) -%}
        {%- for kind in ['images', 'texts'] if kind in space -%}
            {%- do tables.update({space[kind]: space[needs]}) -%}
        {%- endfor -%}
    {%- endfor -%}
    case coalesce(model, '{{ polarlens._spaces()[0].images }}')
        {%- for table, registered in tables.items() %}
        when '{{ table }}' then
            v_model := '{{ registered }}';
            {{ polarlens._check_space(table, 'v_model') | indent(12) }}
        {%- endfor %}
        else
            {{ polarlens._unknown_space('model', 'images', needs) | indent(12) }}
    end case;
{%- endmacro %}


{#- PL/pgSQL that refuses to search a table with vectors of a registered model that is another one since. -#}
{% macro _check_space(embeddings, model_id) -%}
    {#- Named, not referred to: who embeds texts alone has no photos, and nothing to be compared with. -#}
    {%- set named = graph.nodes.values() | selectattr('resource_type', 'equalto', 'model') | selectattr('name', 'equalto', embeddings) | list if execute else [] -%}
    {%- for node in named[:1] -%}
    {%- set relation = node.schema ~ '.' ~ node.alias -%}
    if exists (
        select from polarlens.embedding_spaces as s
        where s.relation = '{{ relation }}'
            and not {{ polarlens._space_takes(model_id, '(' ~ polarlens._runtime() ~ '._fingerprints(array[' ~ model_id ~ ']) ->> ' ~ model_id ~ ')') }}
    ) then
        raise exception 'model % has changed since {{ relation }} was embedded: its vectors cannot be compared with those', {{ model_id }}
        using errcode = 'object_not_in_prerequisite_state',
        hint = 'dbt run embeds everything anew and then takes the new model for searches; or put the old one back (polar_ai.ai_altermodel).';
    end if;
    {%- endfor -%}
{%- endmacro %}
