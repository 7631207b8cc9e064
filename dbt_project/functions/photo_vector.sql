-- As query_vector, for a photo that need not be in the collection.
declare
    v_model text;
begin
    {{ polarlens._check_query('photo', 'photo') }}
    {{ polarlens._query_model('image_model') }}
    return l2_normalize(polarlens._query_embedding(v_model, photo)::vector);
end
