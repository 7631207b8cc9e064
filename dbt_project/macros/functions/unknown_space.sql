{#- PL/pgSQL that refuses the name of a space that there is not. -#}
{% macro unknown_space(model, kind) -%}
    raise exception 'there is no model % to search {{ kind }} with', {{ model }}
    using errcode = 'undefined_object',
    hint = 'Choose one of: {{ polarlens.spaces() | selectattr(kind, "defined") | map(attribute=kind) | join(", ") }}; or leave it out.';
{%- endmacro %}
