{#- The words of a photo or a text, as full text search sees them. The expression is the staging table's index's. -#}
{% macro photo_words(d='d') -%}
    to_tsvector('{{ var("text_search_config", "simple") }}', coalesce({{ d }}.title, '') || ' ' || coalesce({{ d }}.caption, ''))
{%- endmacro %}
