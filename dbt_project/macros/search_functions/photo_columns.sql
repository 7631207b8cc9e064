{#- The columns that a search returns of a photo beside its key and score, in order. stg_image_paths takes them from the
    staging table; return types, search functions and views follow. Append a new column: views that people have made on
    ours survive only a column at the end. -#}
{% macro _photo_columns() %}
    {{ return([
        {'name': 'path', 'type': 'text'},
        {'name': 'title', 'type': 'text'},
        {'name': 'caption', 'type': 'text'},
        {'name': 'taken_at', 'type': 'timestamp with time zone'},
        {'name': 'latitude', 'type': 'double precision'},
        {'name': 'longitude', 'type': 'double precision'},
        {'name': 'attributes', 'type': 'jsonb'}
    ]) }}
{% endmacro %}


{#- The columns' names after an alias, one a line, each with a comma before it. -#}
{% macro _select_photo_columns(alias, indent=8) -%}
    {%- for column in polarlens._photo_columns() %},
{{ ' ' * indent }}{{ alias }}.{{ column.name }}
    {%- endfor -%}
{%- endmacro %}


{#- The words of a photo, as full text search sees them. The staging table has an index on this expression. -#}
{% macro photo_words(d='d') -%}
    {%- set config = var('text_search_config', 'simple') -%}
    to_tsvector('{{ config }}', coalesce({{ d }}.title, '') || ' ' || coalesce({{ d }}.caption, ''))
{%- endmacro %}
