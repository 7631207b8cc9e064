-- The one step that calls a model for a reader: it runs as the owner, and takes only the models of the spaces.
declare
    v_model text;
begin
    {{ polarlens._check_query('query') }}
    {{ polarlens._query_model('text_model') }}
    return l2_normalize(polarlens._query_embedding(v_model, query)::vector);
end
