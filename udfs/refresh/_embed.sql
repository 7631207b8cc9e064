-- Does not pin search_path: see ai_callmodel.
create or replace function polarlens._embed(
    model_id text, inputs text[], in_flight integer default null
) returns table (item integer, embedding text, error jsonb)
language plpgsql
as $$
begin
    for item, embedding, error in
        select e.item, e.embedding, e.error
        from polarlens._embed_ahead(_embed.model_id, _embed.inputs, null, _embed.in_flight, null) as e
    loop
        perform polarlens._raise_cancel(item, error);
        return next;
    end loop;
end
$$;

comment on function polarlens._embed(text, text[], integer) is
'Internal: one batch of inputs by itself. One row for each: its embedding as a literal, or its error; a fault of the
whole batch is a row with item 0. A cancel is raised.';
