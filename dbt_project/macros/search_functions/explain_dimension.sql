{#- PL/pgSQL of an exception handler: says whose dimension is wrong, and passes everything else on. -#}
{% macro _explain_dimension(vector, embeddings) -%}
    if sqlerrm like 'different %dimensions%' then
        raise exception 'the query vector has % dimensions: it is not of the model that embedded what is searched',
            vector_dims({{ vector }})
        using errcode = 'data_exception', detail = sqlerrm,
        hint = 'Embed the query with the model that {{ embeddings.identifier }} was embedded with.';
    end if;
    raise;
{%- endmacro %}
