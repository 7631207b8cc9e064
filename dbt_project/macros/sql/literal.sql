{#- Return a value as an SQL string literal. -#}
{% macro _literal(value) -%}
    {{ return(dbt.string_literal(dbt.escape_single_quotes(value | string))) }}
{%- endmacro %}


{#- The schema of the functions that call models: polar_ai, or polarlens where PolarDB's own extension is kept. -#}
{% macro _runtime() -%}
    {{ return(var('runtime_schema', 'polar_ai')) }}
{%- endmacro %}
