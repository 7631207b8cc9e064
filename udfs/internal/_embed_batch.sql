create or replace function polar_ai._embed_batch(
    model_id text, inputs anyarray, ahead anyarray, in_flight integer, dimension integer, caller_path text
) returns table (item integer, embedding text, error jsonb)
language plpgsql
set search_path to pg_catalog, pg_temp
as $$
declare
    v_model record;
    v_result jsonb;
begin
    select m.* into v_model from polar_ai._model(_embed_batch.model_id) as m;
    if v_model.in_fn is null and pg_typeof(inputs) = 'bytea[]'::regtype then
        return query
        select e.item, e.embedding, e.error
        from polar_ai._embed_bytes(_embed_batch.model_id, v_model.permit, inputs, ahead, in_flight, dimension) as e;
        return;
    elsif v_model.in_fn is null then
        return query
        select e.item, e.embedding, e.error
        from polar_ai._embed_provider(_embed_batch.model_id, v_model.permit, inputs, ahead, in_flight, dimension) as e;
        return;
    end if;
    -- Transform functions run in this session, so nothing can be begun ahead of its turn.
    for item, v_result, error in
        select c.item, c.result, c.error
        from polar_ai._call_many(_embed_batch.model_id, inputs, in_flight, caller_path) as c
    loop
        embedding := null;
        if item > 0 and error is null then
            error := polarlens._embedding_error(_embed_batch.model_id, v_result, dimension);
            if error is null then
                embedding := v_result::text;
            elsif error ->> 'scope' = 'batch' then
                item := 0;
            end if;
        end if;
        return next;
        exit when item = 0;
    end loop;
end
$$;

comment on function polar_ai._embed_batch(text, anyarray, anyarray, integer, integer, text) is
'Internal: polarlens._embed_ahead, with the search_path under which transform functions run.';
