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
    -- The version that a refresh gives to an input without one of its own.
    {{ polarlens._source_version('query') }} as query_version
from {{ source('polarlens_search', 'saved_searches') }}
