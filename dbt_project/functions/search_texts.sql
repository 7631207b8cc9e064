-- Text to texts: the query is embedded once.
begin
    {{ polarlens._check_query('query') }}
    {{ polarlens._check_search('k', 'ef_search') }}
    return query
    select s.*
    from {{ polarlens._search_function_name('search_texts_by_vector') }}(
        {{ polarlens._search_function_name('query_vector') }}(query, 'text_embeddings'),
        k, filters, min_score, null, ef_search
    ) as s;
end
-- depends_on: {{ ref('text_embeddings') }} {{ ref('stg_texts') }}
