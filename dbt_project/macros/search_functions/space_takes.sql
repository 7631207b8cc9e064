{#- SQL: whether a space, a row s of polarlens.embedding_spaces, takes query vectors of a model as it is now. What is not
    known is let pass: spaces made before this was written down, and models that the refresh may not call. -#}
{% macro _space_takes(model_id, fingerprint) -%}
    (
        s.query_models is null
        or s.query_models ? {{ model_id }} and coalesce(s.query_models ->> {{ model_id }} = {{ fingerprint }}, true)
    )
{%- endmacro %}
