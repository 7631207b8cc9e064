-- Does not pin search_path: see ai_callmodel.
create or replace function polarlens._embed_ahead(
    model_id text, inputs anyarray, ahead anyarray, in_flight integer, dimension integer
) returns table (item integer, embedding text, error jsonb)
language plpgsql
as $$
begin
    return query
    select e.item, e.embedding, e.error
    from polar_ai._embed_batch(
        _embed_ahead.model_id, _embed_ahead.inputs, _embed_ahead.ahead, _embed_ahead.in_flight, _embed_ahead.dimension,
        pg_catalog.current_setting('search_path')
    ) as e;
end
$$;

comment on function polarlens._embed_ahead(text, anyarray, anyarray, integer, integer) is
'Internal: embeds a batch of inputs (text[] or bytea[]). One row for each: its embedding as a literal, or its error.
ahead is the next batch, begun now so that the model never waits. A fault of the whole batch (service down, token
refused, wrong dimension, a cancel) is a row with item 0; inputs that it left unanswered have none.';
