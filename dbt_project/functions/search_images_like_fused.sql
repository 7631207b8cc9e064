-- One ranking for each model, fused; calls none of them.
{%- set search = polarlens._search_function_name('search_images_like') %}
{{ polarlens._search_fused(
    search ~ '(source_image_id, v_depth, filters, null, v_model, ef_search)', ref('stg_image_paths')
) }}
-- depends_on: {{ ref('image_embeddings') }}
