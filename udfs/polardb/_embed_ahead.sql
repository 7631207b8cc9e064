-- Does not pin search_path: see polar_ai/ai_callmodel.sql.
create or replace function polarlens._embed_ahead(
    model_id text, inputs anyarray, ahead anyarray, in_flight integer, dimension integer
) returns table (item integer, embedding text, error jsonb)
language plpgsql
as $$
begin
    return query
    select e.item, e.embedding, e.error
    from polarlens._embed_in_turn(
        _embed_ahead.model_id, _embed_ahead.inputs, _embed_ahead.dimension, pg_catalog.current_setting('search_path')
    ) as e;
end
$$;

comment on function polarlens._embed_ahead(text, anyarray, anyarray, integer, integer) is
'Internal: embeds a batch of inputs, one after the other, with polar_ai.ai_callmodel of the native extension. One row
for each: its embedding as a literal, or its error; a fault of the whole batch is a row with item 0.';

create or replace function polarlens._embed_in_turn(
    model_id text, inputs anyarray, dimension integer, caller_path text
) returns table (item integer, embedding text, error jsonb)
language plpgsql
set search_path to pg_catalog, pg_temp
as $$
declare
    v_result jsonb;
    v_number integer;
begin
    for v_number in 1 .. coalesce(cardinality(inputs), 0) loop
        item := v_number;
        embedding := null;
        error := null;
        begin
            if inputs[item] is null then
                error := '{"stage": "load", "message": "the input is NULL", "sqlstate": "22004"}';
            else
                v_result := coalesce(polarlens._call(_embed_in_turn.model_id, inputs[item], caller_path), 'null');
                error := polarlens._embedding_error(_embed_in_turn.model_id, v_result, dimension);
            end if;
        exception
            when query_canceled or admin_shutdown then
                raise;
            when others then
                error := jsonb_build_object('stage', 'request', 'message', sqlerrm, 'sqlstate', sqlstate);
                -- If the service is out of reach, the next input would not reach it either.
                if sqlstate ~ '^(08|53)' then
                    error := error || '{"scope": "batch"}';
                end if;
        end;
        if error is null then
            embedding := v_result::text;
        elsif error ->> 'scope' = 'batch' then
            item := 0;
        end if;
        return next;
        exit when item = 0;
    end loop;
end
$$;

comment on function polarlens._embed_in_turn(text, anyarray, integer, text) is
'Internal: polarlens._embed_ahead, with the search_path under which the native extension runs transform functions.';
