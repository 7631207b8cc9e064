-- Does not pin search_path: see polar_ai/ai_callmodel.sql.
create or replace function polarlens._query_embedding(model_id text, content text) returns real[]
language sql
as $$
select polarlens._embedding(
    _query_embedding.model_id, _query_embedding.content, pg_catalog.current_setting('search_path')
)
$$;

comment on function polarlens._query_embedding(text, text) is
'Internal: the embedding of one search query, by polar_ai.ai_callmodel of the native extension.';

create or replace function polarlens._embedding(model_id text, content text, caller_path text) returns real[]
language plpgsql
set search_path to pg_catalog, pg_temp
as $$
declare
    v_result jsonb;
    v_error jsonb;
begin
    if coalesce(btrim(content), '') = '' then
        raise exception 'cannot embed an empty or NULL input with model %', model_id
        using errcode = 'null_value_not_allowed';
    end if;
    v_result := coalesce(polarlens._call(_embedding.model_id, _embedding.content, caller_path), 'null');
    v_error := polarlens._embedding_error(_embedding.model_id, v_result);
    if v_error is not null then
        perform polarlens._raise(v_error);
    end if;
    return polarlens._real_array(v_result);
end
$$;

comment on function polarlens._embedding(text, text, text) is
'Internal: polarlens._query_embedding, with the search_path under which the native extension runs transform functions.';
