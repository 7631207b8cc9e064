-- The saved searches as people filled them in, with what is wrong with their filters, if anything.
select
    search_id,
    name,
    query,
    k,
    filters,
    min_score,
    created_at,
    {{ function('filters_error') }}(filters) as filters_error,
    -- As the refresh makes it of an input without a version.
    hashtextextended(query collate "C", 0) as query_version
from {{ source('polarlens_search', 'saved_searches') }}
