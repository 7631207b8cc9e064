-- The photos most like one that need not be in the collection; calls the image model once.
begin
    {{ polarlens._check_query('photo', 'photo') }}
    {{ polarlens._check_search('k', 'ef_search') }}
    return query
    select s.*
    from {{ polarlens._search_function_name('search_images_by_vector') }}(
        {{ polarlens._search_function_name('photo_vector') }}(photo, model), k, filters, min_score, model, ef_search
    ) as s;
end
-- depends_on: {{ ref('image_embeddings') }} {{ ref('stg_image_paths') }}
