{#- Embeddings of another length than 1: their inner products are no cosine similarities. Half precision is off by a
    little. -#}
{% test unit_length(model, column_name) %}
    select
        {{ column_name }},
        vector_norm({{ column_name }}::vector) as length
    from {{ model }}
    where abs(vector_norm({{ column_name }}::vector) - 1) > 0.01
{% endtest %}
