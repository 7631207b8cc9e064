{#- The version of polarlens, as in pyproject.toml. -#}
{% macro _version() %}{{ return('0.1.0') }}{% endmacro %}
