{#- PL/pgSQL that sets v_model to the registered model that embeds queries for the space `model`, or refuses the name.
    `needs` is text_model or image_model: a space of an image-only model has no text_model. -#}
{% macro query_model(needs) -%}
    v_model := case coalesce(model, '{{ polarlens.spaces()[0].images }}')
        {%- for space in polarlens.spaces() | selectattr(needs) %}
        when '{{ space.images }}' then '{{ space[needs] }}'
        {%- endfor %}
    end;
    if v_model is null then
        {{ polarlens.unknown_space('model', 'images', needs) }}
    end if;
{%- endmacro %}
