-- Does not pin search_path: see polar_ai/ai_callmodel.sql.
create or replace function polarlens._query_embedding(model_id text, content text) returns real[]
language sql
as $$
select polar_ai._embedding(
    _query_embedding.model_id, _query_embedding.content, pg_catalog.current_setting('search_path')
)
$$;

comment on function polarlens._query_embedding(text, text) is
'Internal: the embedding of one search query, as the model returns it. Errors: as polar_ai.ai_embedding.';
