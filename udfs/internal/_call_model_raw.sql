create or replace function polar_ai._call_model_raw(
    model_id text, content text, caller_path text,
    out status integer, out headers jsonb, out body text, out milliseconds double precision
)
language plpgsql
set search_path to pg_catalog, pg_temp
as $$
declare
    v_model record;
    v_body jsonb;
    v_headers jsonb;
    v_answer record;
begin
    select m.* into v_model from polar_ai._model(_call_model_raw.model_id) as m;
    if v_model.in_fn is not null then
        v_body := polar_ai._call_function(v_model.in_call, v_model.model_name, _call_model_raw.content, caller_path);
    end if;
    if v_model.headers_call is not null then
        v_headers := polar_ai._call_function(v_model.headers_call, _call_model_raw.model_id, v_body, caller_path);
    end if;
    select r.* into v_answer
    from polar_ai._call_raw(
        _call_model_raw.model_id, v_model.permit, v_body::text, _call_model_raw.content, v_headers::text
    ) as r;
    if v_answer.error is not null then
        perform polarlens._raise(v_answer.error);
    end if;
    status := v_answer.status;
    headers := v_answer.headers;
    body := v_answer.body;
    milliseconds := v_answer.milliseconds;
end
$$;

comment on function polar_ai._call_model_raw(text, text, text) is
'Internal: ai_callmodel_raw, with the search_path under which transform functions run.';
