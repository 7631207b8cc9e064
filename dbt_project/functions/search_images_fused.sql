-- One ranking for each model that embeds texts, fused.
{%- set vector = polarlens._search_function_name('query_vector') ~ '(query, v_model)' %}
{%- set search = polarlens._search_function_name('search_images_by_vector') %}
{{ polarlens._search_fused(
    search ~ '(' ~ vector ~ ', v_depth, filters, null, v_model, ef_search)', ref('stg_image_paths'), 'text_model',
    polarlens._check_query('query')
) }}
-- depends_on: {{ ref('image_embeddings') }}
