-- What the native extension can do: one call after the other. No search_path of its own, as in ai_embedding.
create or replace function polarlens._embed_ahead(
    model_id text, inputs anyarray, ahead anyarray, in_flight integer, dimension integer
) returns table (item integer, embedding text, error jsonb)
language plpgsql
as $$
declare
    v_result pg_catalog.jsonb;
    v_number integer;
begin
    for v_number in 1 .. coalesce(pg_catalog.cardinality(inputs), 0) loop
        item := v_number;
        embedding := null;
        error := null;
        begin
            if inputs[item] is null then
                error := '{"stage": "load", "message": "the input is NULL", "sqlstate": "22004"}';
            else
                v_result := polar_ai.ai_callmodel(_embed_ahead.model_id, inputs[item])::pg_catalog.jsonb;
                error := polarlens._embedding_error(_embed_ahead.model_id, coalesce(v_result, 'null'::pg_catalog.jsonb));
            end if;
        exception
            when query_canceled or admin_shutdown then
                raise;
            when others then
                error := pg_catalog.jsonb_build_object('stage', 'request', 'message', sqlerrm, 'sqlstate', sqlstate);
                -- Not reached: the next input would not reach it either.
                if sqlstate operator(pg_catalog.~) '^(08|53)' then
                    error := error operator(pg_catalog.||) '{"scope": "batch"}';
                end if;
        end;
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
        return next;
        exit when item operator(pg_catalog.=) 0;
    end loop;
end
$$;

comment on function polarlens._embed_ahead(text, anyarray, anyarray, integer, integer) is
'Internal: embeds a batch of inputs, one after the other, with polar_ai.ai_callmodel of the native extension. One row for
each: its embedding as a literal, or its error; a fault of the whole batch is a row with item 0.';
