{#- SQL for the version of a source: a hash of a text, which may not be NULL. The same on every server and machine. -#}
{% macro _source_version(text) -%}
    hashtextextended(({{ text }}) collate "C", 0)
{%- endmacro %}
