-- The query is embedded once, into a parameter: the shape that calls the model once and keeps the index.
declare
    v_query {{ polarlens.vector_type(ref('image_embeddings')) }};
begin
    {{ polarlens.check_k('k') }}
    v_query := polar_ai.ai_embedding('{{ var("text_model") }}', query);
    return query
    {{ polarlens.nearest(ref('image_embeddings'), ref('stg_image_paths'), 'image_id', 'v_query', 'k') }};
end
