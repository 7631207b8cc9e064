-- No search_path of its own: the models' transform functions find what the caller finds.
create or replace function polarlens._query_embedding(model_id text, content text) returns real[]
language plpgsql
as $$
declare
    v_result pg_catalog.jsonb;
    v_error pg_catalog.jsonb;
begin
    if content is null or pg_catalog.btrim(content) operator(pg_catalog.=) '' then
        raise exception 'cannot embed an empty or NULL input with model %', model_id using errcode = 'null_value_not_allowed';
    end if;
    v_result := polar_ai.ai_callmodel(_query_embedding.model_id, _query_embedding.content)::pg_catalog.jsonb;
    v_error := polarlens._embedding_error(
        _query_embedding.model_id, coalesce(v_result, 'null'::pg_catalog.jsonb)
    );
    if v_error is not null then
        perform polarlens._raise(v_error);
    end if;
    return (
        select pg_catalog.array_agg(e.value::pg_catalog.float4 order by e.ordinality)
        from pg_catalog.jsonb_array_elements_text(v_result) with ordinality as e
    );
end
$$;

comment on function polarlens._query_embedding(text, text) is
'One input''s embedding, by polar_ai.ai_callmodel of the native extension.';
