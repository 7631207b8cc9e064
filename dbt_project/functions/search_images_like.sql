-- The nearest neighbours of a photo that is already embedded; calls no model.
declare
    v_query {{ polarlens.vector_type(ref('image_embeddings')) }};
begin
    {{ polarlens.check_k('k') }}
    select e.embedding into v_query from {{ ref('image_embeddings') }} as e where e.image_id = source_image_id;
    if v_query is null then
        raise exception 'photo % has no embedding', coalesce(source_image_id::text, 'NULL')
        using errcode = 'no_data_found',
        hint = 'select * from {{ ref("photos") }} where image_id = …; tells how it stands.';
    end if;
    return query
    {{ polarlens.nearest(
        ref('image_embeddings'), ref('stg_image_paths'), 'image_id', 'v_query', 'k',
        where='e.image_id <> source_image_id'
    ) }};
end
