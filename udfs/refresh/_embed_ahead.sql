-- No search_path of its own, like ai_callmodel and for its reason. text[] or bytea[].
create or replace function polarlens._embed_ahead(
    model_id text, inputs anyarray, ahead anyarray, in_flight integer, dimension integer
) returns table (item integer, embedding text, error jsonb)
language plpgsql
as $$
declare
    v_model record;
    v_result pg_catalog.jsonb;
begin
    select m.* into v_model from polar_ai._model(_embed_ahead.model_id) as m;
    if v_model.in_fn is null then
        if pg_catalog.pg_typeof(_embed_ahead.inputs) operator(pg_catalog.=) 'bytea[]'::pg_catalog.regtype then
            return query
            select e.item, e.embedding, e.error
            from polar_ai._embed_bytes(
                _embed_ahead.model_id, v_model.permit, _embed_ahead.inputs, _embed_ahead.ahead, _embed_ahead.in_flight, _embed_ahead.dimension
            ) as e;
        else
            return query
            select e.item, e.embedding, e.error
            from polar_ai._embed_provider(
                _embed_ahead.model_id, v_model.permit, _embed_ahead.inputs, _embed_ahead.ahead, _embed_ahead.in_flight, _embed_ahead.dimension
            ) as e;
        end if;
        return;
    end if;
    -- Functions of the caller's run in the session itself: nothing can be begun ahead of its turn.
    for item, v_result, error in
        select c.item, c.result, c.error
        from polar_ai._call_many(_embed_ahead.model_id, _embed_ahead.inputs, _embed_ahead.in_flight) as c
    loop
        embedding := null;
        if item operator(pg_catalog.>) 0 and error is null then
            error := polarlens._embedding_error(_embed_ahead.model_id, v_result);
            if error is null and pg_catalog.jsonb_array_length(v_result) operator(pg_catalog.<>) dimension then
                error := pg_catalog.jsonb_build_object('scope', 'batch', 'sqlstate', '08P01', 'message', pg_catalog.format(
                    'model %s returned an embedding of %s dimensions, not %s',
                    _embed_ahead.model_id, pg_catalog.jsonb_array_length(v_result), dimension
                ));
            end if;
            if error is null then
                embedding := v_result::pg_catalog.text;
            elsif (error operator(pg_catalog.->>) 'scope') operator(pg_catalog.=) 'batch' then
                item := 0;
            end if;
        end if;
        return next;
        exit when item operator(pg_catalog.=) 0;
    end loop;
end
$$;

comment on function polarlens._embed_ahead(text, anyarray, anyarray, integer, integer) is
'Internal: embeds a batch of inputs (text[] or bytea[]). One row for each: its embedding as a literal, or its error.
ahead is the next batch, begun now so that the model never waits. A fault of the whole batch (service down, token refused,
wrong dimension, a cancel) is a row with item 0; inputs that it left unanswered have none.';
