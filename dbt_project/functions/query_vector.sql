-- The one step that calls a model for a reader: it runs as the owner, and takes only the models of the spaces.
declare
    v_model text;
begin
    {{ polarlens.check_query('query') }}
    {{ polarlens.query_model('text_model') }}
    return l2_normalize({{ polarlens.runtime() }}.ai_embedding(v_model, query)::vector);
end
