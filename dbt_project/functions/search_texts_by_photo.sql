-- Image to texts, by a path or URL; calls the image model once.
begin
    {{ polarlens._check_query('photo', 'photo') }}
    {{ polarlens._check_search('k', 'ef_search') }}
    return query
    select s.*
    from {{ polarlens._search_function_name('search_texts_by_vector') }}(
        {{ polarlens._search_function_name('photo_vector') }}(photo, 'text_embeddings'),
        k, filters, min_score, null, ef_search
    ) as s;
end
-- depends_on: {{ ref('text_embeddings') }} {{ ref('stg_texts') }}
