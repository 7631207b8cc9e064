-- One ranking for each model that embeds texts, fused.
{% call polarlens._search_fused(ref('stg_image_paths'), 'text_model', polarlens._check_query('query')) -%}
    {{ polarlens._search_function_name('search_images_by_vector') }}(
            {{ polarlens._search_function_name('query_vector') }}(query, v_model),
            v_depth, filters, null, v_model, ef_search
        )
{%- endcall %}
-- depends_on: {{ ref('image_embeddings') }}
