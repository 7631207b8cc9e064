{#- SQL for a text's vector: the one safe way to put a model call beside <=>, in parentheses with a select, so that it
    runs once and the index stays in use. The text is a literal; `expression` is SQL instead. -#}
{% macro text_vector(text=none, model=none, expression=none) -%}
    (select {{ function('query_vector') }}(
        {{- expression or polarlens._literal(text) }}, {{ polarlens._literal(model) if model else 'null' }}
    {{- '))' }}
{%- endmacro %}
