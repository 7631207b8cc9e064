-- One ranking for each model, fused; calls none of them.
{% call polarlens._search_fused(ref('stg_image_paths')) -%}
    {{ polarlens._search_function_name('search_images_like') }}(
            source_image_id, v_depth, filters, null, v_model, ef_search
        )
{%- endcall %}
-- depends_on: {{ ref('image_embeddings') }}
