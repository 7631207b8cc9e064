-- Every saved search and whether it can be answered; for the people who fill the table.
with searches as (

    select * from {{ ref('stg_saved_searches') }}

),

queries as (

    select
        search_id,
        source_version
    from {{ ref('saved_search_embeddings') }}

)

select
    searches.search_id,
    searches.name,
    searches.query,
    searches.k,
    searches.filters,
    searches.min_score,
    searches.created_at,
    case
        when searches.filters_error is not null then searches.filters_error
        when queries.search_id is null then 'waits for dbt run'
        when queries.source_version <> searches.query_version then 'the query changed: waits for dbt run'
        when not (select {{ polarlens._spaces_agree(ref('image_embeddings'), ref('saved_search_embeddings')) }})
            then 'the model changed: waits for dbt run'
        else 'ready'
    end as state
from searches
left join queries on searches.search_id = queries.search_id
