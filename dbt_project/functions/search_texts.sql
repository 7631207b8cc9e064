-- Text to texts: the query is embedded once.
begin
    {{ polarlens.check_query('query') }}
    {{ polarlens.check_search('k', 'ef_search') }}
    return query select s.*
    from {{ polarlens.search_function_name('search_texts_by_vector') }}(
        {{ polarlens.search_function_name('query_vector') }}(query, 'text_embeddings'), k, filters, min_score, null, ef_search
    ) as s;
end
-- depends_on: {{ ref('text_embeddings') }} {{ ref('stg_texts') }}
