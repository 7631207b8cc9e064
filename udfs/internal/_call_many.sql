-- Many inputs through a model's own transform functions. What fails in a merged request is asked again in ever smaller
-- ones, down to one: a service may answer for all of a batch that one of them is bad.
-- No search_path of its own, like ai_callmodel and for its reason.
create or replace function polar_ai._call_many(
    model_id text, inputs text[], in_flight integer default 4
) returns table (item integer, result jsonb, error jsonb)
language plpgsql
as $$
declare
    v_model record;
    v_bodies pg_catalog.text[] := '{}';
    v_body pg_catalog.jsonb;
    v_headers pg_catalog.text;
    v_result pg_catalog.jsonb;
    v_results pg_catalog.jsonb[] := pg_catalog.array_fill(null::pg_catalog.jsonb, array[pg_catalog.cardinality(inputs)]);
    v_errors pg_catalog.jsonb[] := pg_catalog.array_fill(null::pg_catalog.jsonb, array[pg_catalog.cardinality(inputs)]);
    v_waiting pg_catalog.int4[] := '{}';
    v_again pg_catalog.int4[];
    v_most pg_catalog.int4;
    v_answer record;
    v_at pg_catalog.int4;
begin
    select m.* into v_model from polar_ai._model(_call_many.model_id) as m;
    select coalesce((m.model_config operator(pg_catalog.#>>) '{batch,max}')::pg_catalog.int4, 1) into v_most
    from polar_ai.models as m
    where m.model_id operator(pg_catalog.=) _call_many.model_id;

    for v_at in 1 .. pg_catalog.cardinality(inputs) loop
        v_body := null;
        begin
            if pg_catalog.btrim(inputs[v_at]) operator(pg_catalog.<>) '' is not true then
                raise exception 'the input is NULL or empty' using errcode = 'null_value_not_allowed';
            end if;
            execute pg_catalog.format('select %s($1, $2)::pg_catalog.jsonb', v_model.in_fn)
            into v_body using v_model.model_name, inputs[v_at];
            if v_body is null then
                raise exception '% returned NULL instead of a request body', v_model.in_fn
                using errcode = 'null_value_not_allowed';
            end if;
            if v_headers is null and v_model.headers_call is not null then
                execute pg_catalog.format('select ((%s)::pg_catalog.jsonb)::pg_catalog.text', v_model.headers_call)
                into v_headers using _call_many.model_id, v_body;
            end if;
            -- At the end: what failed on the way is not sent.
            v_waiting := v_waiting operator(pg_catalog.||) v_at;
        exception when others then
            v_errors[v_at] := pg_catalog.jsonb_build_object('message', sqlerrm, 'sqlstate', sqlstate, 'stage', 'load');
        end;
        v_bodies := pg_catalog.array_append(v_bodies, v_body::pg_catalog.text);
    end loop;

    while pg_catalog.cardinality(v_waiting) operator(pg_catalog.>) 0 loop
        v_again := '{}';
        for v_answer in
            select w.at, p.item, p.content, p.error
            from polar_ai._post_many(
                _call_many.model_id, v_model.permit,
                (select pg_catalog.array_agg(v_bodies[u.at] order by u.n)
                from pg_catalog.unnest(v_waiting) with ordinality as u (at, n)),
                v_headers, v_most, _call_many.in_flight
            ) as p
            left join pg_catalog.unnest(v_waiting) with ordinality as w (at, n) on p.item operator(pg_catalog.=) w.n
        loop
            if v_answer.item operator(pg_catalog.=) 0 then
                -- A cancel is no fault of the batch: it ends the statement.
                if (v_answer.error operator(pg_catalog.->>) 'sqlstate') operator(pg_catalog.~) '^57' then
                    perform polarlens._raise(v_answer.error);
                end if;
                item := 0;
                result := null;
                error := v_answer.error;
                return next;
                return;
            end if;
            v_errors[v_answer.at] := v_answer.error;
            if v_answer.error is null then
                begin
                    execute pg_catalog.format('select %s($1, $2)::pg_catalog.jsonb', v_model.out_fn)
                    into v_result using _call_many.model_id, v_answer.content::pg_catalog.jsonb;
                    perform polar_ai._check_result(
                        _call_many.model_id, v_result, v_answer.content::pg_catalog.jsonb
                    );
                    v_results[v_answer.at] := v_result;
                exception when others then
                    v_errors[v_answer.at] := pg_catalog.jsonb_build_object(
                        'message', sqlerrm, 'sqlstate', sqlstate, 'stage', 'response'
                    );
                end;
            end if;
            if v_errors[v_answer.at] is not null and v_most operator(pg_catalog.>) 1 then
                v_again := v_again operator(pg_catalog.||) v_answer.at;
            end if;
        end loop;
        v_waiting := v_again;
        v_most := v_most operator(pg_catalog./) 2;
    end loop;

    for v_at in 1 .. pg_catalog.cardinality(inputs) loop
        item := v_at;
        error := v_errors[v_at];
        result := case when error is null then v_results[v_at] end;
        return next;
    end loop;
end
$$;

comment on function polar_ai._call_many(text, text[], integer) is
'Internal: many inputs through a model''s own transform functions. One row each, in order, with its result or its error;
a fault of the whole batch is one row with item 0.';
