-- No search_path of its own, like ai_callmodel and for its reason.
create or replace function polar_ai.ai_callmodel_raw(
    model_id text, content text, out status integer, out headers jsonb, out body text, out milliseconds double precision
)
language plpgsql
as $$
declare
    v_model record;
    v_body pg_catalog.jsonb;
    v_headers pg_catalog.jsonb;
    v_answer record;
begin
    select m.* into v_model from polar_ai._model(ai_callmodel_raw.model_id) as m;
    if v_model.in_fn is not null then
        execute pg_catalog.format('select %s($1, $2)::pg_catalog.jsonb', v_model.in_fn)
        into v_body using v_model.model_name, ai_callmodel_raw.content;
    end if;
    if v_model.headers_call is not null then
        execute pg_catalog.format('select (%s)::pg_catalog.jsonb', v_model.headers_call)
        into v_headers using ai_callmodel_raw.model_id, v_body;
    end if;
    select r.* into v_answer
    from polar_ai._call_raw(
        ai_callmodel_raw.model_id, v_model.permit, v_body::pg_catalog.text, ai_callmodel_raw.content,
        v_headers::pg_catalog.text
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

comment on function polar_ai.ai_callmodel_raw(text, text) is
'For finding out what is wrong with a model: sends the request that ai_callmodel would and returns the answer as it came, HTTP
status, headers, body and milliseconds, without judging it. Errors: as ai_callmodel, where no answer came at all.';

revoke all on function polar_ai.ai_callmodel_raw(text, text) from public;
grant execute on function polar_ai.ai_callmodel_raw(text, text) to polar_ai_user, polar_ai_admin;
