{#- PL/pgSQL that refuses the name of a space that there is not, or that has no model for such a query. -#}
{% macro _unknown_space(model, kind, needs='') -%}
    {%- set by = {'text_model': ' by a text', 'image_model': ' by a photo'}.get(needs, '') -%}
    raise exception 'there is no model % to search {{ kind }} with{{ by }}', {{ model }}
    using errcode = 'undefined_object',
    hint = 'Choose one of: {{ polarlens._spaces() | selectattr(kind, "defined") | selectattr(needs or kind) | map(attribute=kind) | join(", ") }}; or leave it out.';
{%- endmacro %}
