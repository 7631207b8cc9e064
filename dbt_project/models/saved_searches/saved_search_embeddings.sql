-- The queries of the saved searches in the space of the text model.
{{ config(materialized='embedding', key='search_id', input='query', model=var('text_model'), distributed=false) }}

select
    search_id,
    query
from {{ ref('stg_saved_searches') }}
