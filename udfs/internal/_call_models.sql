create or replace function polar_ai._call_models(
    model_id text, contents text[], in_flight integer, caller_path text
) returns table (item integer, embedding real[], error text, sqlstate text)
language plpgsql
set search_path to pg_catalog, pg_temp
as $$
declare
    v_row record;
begin
    if contents is null then
        return;
    end if;
    for v_row in
        select e.item, e.embedding, e.error
        from polar_ai._embed_batch(_call_models.model_id, contents, null, in_flight, null, caller_path) as e
    loop
        if v_row.item = 0 then
            perform polarlens._raise(v_row.error);
        end if;
        item := v_row.item;
        embedding := case when v_row.error is null then polarlens._real_array(v_row.embedding::jsonb) end;
        error := v_row.error ->> 'message';
        sqlstate := v_row.error ->> 'sqlstate';
        return next;
    end loop;
end
$$;

comment on function polar_ai._call_models(text, text[], integer, text) is
'Internal: ai_callmodels, with the search_path under which transform functions run.';
