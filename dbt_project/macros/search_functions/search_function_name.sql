{#- The qualified name of one of this project's search functions, wherever dbt builds them. -#}
{% macro _search_function_name(name) -%}
    {%- set found = namespace(schema=target.schema) -%}
    {%- for function in (graph.get('functions', {}).values() if execute else []) if function.name == name -%}
        {%- set found.schema = function.schema -%}
    {%- endfor -%}
    {{ adapter.quote(found.schema) }}.{{ name }}
{%- endmacro %}
