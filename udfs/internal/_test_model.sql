create or replace function polar_ai._test_model(
    model_id text, caller_path text,
    out ok boolean, out dimension integer, out milliseconds double precision, out error text
)
language plpgsql
set search_path to pg_catalog, pg_temp
as $$
declare
    v_model record;
    v_started timestamptz;
    v_probed record;
    v_result jsonb;
begin
    select m.* into v_model from polar_ai._model(_test_model.model_id) as m;
    v_started := clock_timestamp();
    if v_model.in_fn is null and coalesce(v_model.model_type, '') not in ('text-generation', 'text-classification') then
        select p.dimension, p.error into v_probed from polar_ai._probe(_test_model.model_id, v_model.permit) as p;
        perform polarlens._raise_cancel(0, v_probed.error);
        dimension := v_probed.dimension;
        error := v_probed.error ->> 'message';
    else
        begin
            v_result := polar_ai._call_model(_test_model.model_id, 'polarlens'::text, caller_path);
            dimension := case when jsonb_typeof(v_result) = 'array' then jsonb_array_length(v_result) end;
        exception when others then
            error := sqlerrm;
        end;
    end if;
    ok := error is null;
    milliseconds := extract(epoch from clock_timestamp() - v_started) * 1000;
end
$$;

comment on function polar_ai._test_model(text, text) is
'Internal: ai_testmodel, with the search_path under which transform functions run.';
