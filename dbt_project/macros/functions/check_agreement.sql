{#- PL/pgSQL that refuses to compare the vectors of two embedding tables, one of which a model change has not reached yet. -#}
{% macro check_agreement(embeddings, queries) -%}
    if not {{ polarlens.spaces_agree(embeddings, queries) }} then
        raise exception '{{ embeddings.schema }}.{{ embeddings.identifier }} and {{ queries.schema }}.{{ queries.identifier }} were not embedded by models that go together: a model changed between them'
        using errcode = 'object_not_in_prerequisite_state', hint = 'dbt run brings both to the models as they are now.';
    end if;
{%- endmacro %}


{#- SQL: whether the vectors of one embedding table may be compared with those of another. -#}
{% macro spaces_agree(embeddings, queries) -%}
    {{ polarlens.search_function_name('spaces_agree') }}('{{ embeddings.schema }}.{{ embeddings.identifier }}', '{{ queries.schema }}.{{ queries.identifier }}')
{%- endmacro %}
