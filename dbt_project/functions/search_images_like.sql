{%- set search = polarlens._search_function_name('search_images_by_vector') -%}
-- The nearest neighbours of a photo that is already embedded; calls no model. One more is asked for: itself.
declare
    v_query {{ polarlens._vector_type(ref('image_embeddings')) }};
begin
    {{ polarlens._check_search('k', 'ef_search') }}
    {{ polarlens._photo_embedding('source_image_id', 'v_query', 'model') }}
    return query
    select
        (row_number() over (order by s.rank))::integer as rank,
        s.image_id,
        s.score
        {{- polarlens._select_photo_columns('s') }}
    from {{ search }}(v_query, least(10000, k + 1), filters, min_score, model, ef_search) as s
    where s.image_id <> source_image_id
    order by rank
    limit k;
end
