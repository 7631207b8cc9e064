-- Sends the inputs of a failed merged request again in smaller ones, down to one input a request, because a service
-- may refuse a whole batch for one bad input.
create or replace function polar_ai._call_many(
    model_id text, inputs text[], in_flight integer, caller_path text
) returns table (item integer, result jsonb, error jsonb)
language plpgsql
set search_path to pg_catalog, pg_temp
as $$
declare
    v_model record;
    v_bodies text[] := '{}';
    v_body jsonb;
    v_headers text;
    v_result jsonb;
    v_results jsonb[] := array_fill(null::jsonb, array[cardinality(inputs)]);
    v_errors jsonb[] := array_fill(null::jsonb, array[cardinality(inputs)]);
    v_waiting integer[] := '{}';
    v_again integer[];
    v_most integer;
    v_answer record;
    v_at integer;
begin
    select m.* into v_model from polar_ai._model(_call_many.model_id) as m;
    select coalesce((m.model_config #>> '{batch,max}')::integer, 1) into v_most
    from polar_ai.models as m
    where m.model_id = _call_many.model_id;

    for v_at in 1 .. cardinality(inputs) loop
        v_body := null;
        begin
            if btrim(inputs[v_at]) <> '' is not true then
                raise exception 'the input is NULL or empty' using errcode = 'null_value_not_allowed';
            end if;
            v_body := polar_ai._call_function(v_model.in_call, v_model.model_name, inputs[v_at], caller_path);
            if v_body is null then
                raise exception '% returned NULL instead of a request body', v_model.in_fn
                using errcode = 'null_value_not_allowed';
            end if;
            if v_headers is null and v_model.headers_call is not null then
                v_headers := polar_ai._call_function(
                    v_model.headers_call, _call_many.model_id, v_body, caller_path
                )::text;
            end if;
            -- At the end: what failed on the way is not sent.
            v_waiting := v_waiting || v_at;
        exception when others then
            v_errors[v_at] := jsonb_build_object('message', sqlerrm, 'sqlstate', sqlstate, 'stage', 'load');
        end;
        v_bodies := array_append(v_bodies, v_body::text);
    end loop;

    while cardinality(v_waiting) > 0 loop
        v_again := '{}';
        for v_answer in
            select w.at, p.item, p.content, p.error
            from polar_ai._post_many(
                _call_many.model_id, v_model.permit,
                (select array_agg(v_bodies[u.at] order by u.n)
                from unnest(v_waiting) with ordinality as u (at, n)),
                v_headers, v_most, _call_many.in_flight
            ) as p
            left join unnest(v_waiting) with ordinality as w (at, n) on p.item = w.n
        loop
            if v_answer.item = 0 then
                perform polarlens._raise_cancel(0, v_answer.error);
                item := 0;
                result := null;
                error := v_answer.error;
                return next;
                return;
            end if;
            v_errors[v_answer.at] := v_answer.error;
            if v_answer.error is null then
                begin
                    v_result := polar_ai._call_function(
                        v_model.out_call, _call_many.model_id, v_answer.content::jsonb, caller_path
                    );
                    perform polar_ai._check_result(_call_many.model_id, v_result, v_answer.content::jsonb);
                    v_results[v_answer.at] := v_result;
                exception when others then
                    v_errors[v_answer.at] := jsonb_build_object(
                        'message', sqlerrm, 'sqlstate', sqlstate, 'stage', 'response'
                    );
                end;
            end if;
            if v_errors[v_answer.at] is not null and v_most > 1 then
                v_again := v_again || v_answer.at;
            end if;
        end loop;
        v_waiting := v_again;
        v_most := v_most / 2;
    end loop;

    for v_at in 1 .. cardinality(inputs) loop
        item := v_at;
        error := v_errors[v_at];
        result := case when error is null then v_results[v_at] end;
        return next;
    end loop;
end
$$;

comment on function polar_ai._call_many(text, text[], integer, text) is
'Internal: many inputs through a model''s own transform functions. One row each, in order, with its result or its
error; a fault of the whole batch is one row with item 0.';
