{#- Stop with an error of the database. dbt v2 has no other than compiler errors. -#}
{% macro _raise_error(message) %}
    {%- if exceptions.raise_database_error is defined -%}
        {{ exceptions.raise_database_error(message) }}
    {%- endif -%}
    {{ exceptions.raise_compiler_error(message) }}
{% endmacro %}
