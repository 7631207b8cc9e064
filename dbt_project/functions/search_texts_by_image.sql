-- Image to texts, by the key of an embedded photo; calls no model.
declare
    v_query {{ polarlens._vector_type(ref('image_embeddings')) }};
begin
    {{ polarlens._check_search('k', 'ef_search') }}
    {{ polarlens._photo_embedding('source_image_id', 'v_query', 'null::text') }}
    perform {{ polarlens._spaces_agree(
        ref('text_embeddings'), ref('image_embeddings'), true, polarlens._search_function_name('spaces_agree')
    ) }};
    return query
    select s.*
    from {{ polarlens._search_function_name('search_texts_by_vector') }}(
        v_query, k, filters, min_score, null, ef_search
    ) as s;
end
-- depends_on: {{ ref('text_embeddings') }} {{ ref('stg_texts') }}
