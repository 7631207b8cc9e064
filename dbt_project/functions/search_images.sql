-- The query is embedded once, into a parameter: the shape that calls the model once and keeps the index.
begin
    {{ polarlens._check_query('query') }}
    {{ polarlens._check_search('k', 'ef_search') }}
    return query
    select s.*
    from {{ polarlens._search_function_name('search_images_by_vector') }}(
        {{ polarlens._search_function_name('query_vector') }}(query, model), k, filters, min_score, model, ef_search
    ) as s;
end
-- depends_on: {{ ref('image_embeddings') }} {{ ref('stg_image_paths') }}
