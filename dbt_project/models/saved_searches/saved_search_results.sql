-- What the saved searches find now, with the vectors that the last `dbt run` made of their queries. Calls no model.
with ready as (

    select
        searches.search_id,
        searches.name,
        searches.query,
        searches.k,
        searches.filters,
        searches.min_score,
        queries.embedding
    from {{ ref('saved_searches') }} as searches
    inner join {{ ref('saved_search_embeddings') }} as queries on searches.search_id = queries.search_id
    where searches.state = 'ready'
    -- Keeps what is not ready from being searched for.
    order by searches.search_id
    offset 0

)

select
    ready.search_id,
    ready.name,
    ready.query,
    -- rank, image_id, score, and the columns of _photo_columns()
    found.* -- noqa: AM04
from ready
cross join lateral {{ function('search_images_by_vector') }}(
    query => ready.embedding, k => ready.k, filters => ready.filters, min_score => ready.min_score
) as found
