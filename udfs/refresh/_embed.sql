-- One batch by itself. No search_path of its own, like ai_callmodel and for its reason.
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
        -- A cancel is no fault of the batch: it ends the statement.
        if item operator(pg_catalog.=) 0 and (error operator(pg_catalog.->>) 'sqlstate') operator(pg_catalog.~) '^57' then
            perform polarlens._raise(error);
        end if;
        return next;
    end loop;
end
$$;

comment on function polarlens._embed(text, text[], integer) is
'Internal: one batch of inputs by itself. One row for each: its embedding as a literal, or its error; a fault of the whole
batch is a row with item 0. A cancel is raised.';
