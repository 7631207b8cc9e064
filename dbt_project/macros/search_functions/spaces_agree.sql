{#- SQL: whether the vectors of one embedding table may be compared with those of another: not while a change of model has
    reached only one of them. `required` makes that an error. In a function, `by` is search_function_name's. -#}
{% macro _spaces_agree(embeddings, queries, required=false, by=none) -%}
    {{ by or function('spaces_agree') }}('{{ embeddings.schema }}.{{ embeddings.identifier }}', '{{ queries.schema }}.{{ queries.identifier }}', {{ required | lower }})
{%- endmacro %}
