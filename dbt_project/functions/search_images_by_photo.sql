-- The photos most like one that need not be in the collection; calls the image model once.
declare
    v_query {{ polarlens.vector_type(ref('image_embeddings')) }};
begin
    {{ polarlens.check_k('k') }}
    v_query := polar_ai.ai_embedding('{{ var("image_model") }}', photo);
    return query
    {{ polarlens.nearest(ref('image_embeddings'), ref('stg_image_paths'), 'image_id', 'v_query', 'k') }};
end
