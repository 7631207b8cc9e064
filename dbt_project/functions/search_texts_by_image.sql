-- Image to texts, by the key of an embedded photo; calls no model.
declare
    v_query {{ polarlens.vector_type(ref('image_embeddings')) }};
begin
    {{ polarlens.check_search('k', 'ef_search') }}
    {{ polarlens.photo_embedding('source_image_id', 'v_query', 'null::text') }}
    perform {{ polarlens.spaces_agree(ref('text_embeddings'), ref('image_embeddings'), true, polarlens.search_function_name('spaces_agree')) }};
    return query select s.*
    from {{ polarlens.search_function_name('search_texts_by_vector') }}(
        v_query, k, filters, min_score, null, ef_search
    ) as s;
end
-- depends_on: {{ ref('text_embeddings') }} {{ ref('stg_texts') }}
