create or replace function polar_ai._call_model(model_id text, content anyelement, caller_path text) returns jsonb
language plpgsql
set search_path to pg_catalog, pg_temp
as $$
declare
    v_model record;
    v_input text;
    v_body jsonb;
    v_headers jsonb;
    v_answer record;
    v_result jsonb;
begin
    select m.* into v_model from polar_ai._model(_call_model.model_id) as m;

    if v_model.in_fn is null and v_model.model_type in ('text-generation', 'text-classification') then
        select p.content, p.error into v_answer
        from polar_ai._call_provider(_call_model.model_id, v_model.permit, _call_model.content::text) as p;
        if v_answer.error is not null then
            perform polarlens._raise(v_answer.error);
        end if;
        return v_answer.content::jsonb;
    elsif v_model.in_fn is null then
        if pg_typeof(_call_model.content) = 'bytea'::regtype then
            v_input := 'data:;base64,' || encode(_call_model.content::bytea, 'base64');
        else
            v_input := _call_model.content::text;
        end if;
        return to_jsonb(polar_ai._embedding(_call_model.model_id, v_input, caller_path));
    end if;

    v_body := polar_ai._call_function(v_model.in_call, v_model.model_name, _call_model.content, caller_path);
    if v_body is null then
        raise exception 'calling model %: % returned NULL instead of a request body',
            _call_model.model_id, v_model.in_fn
        using errcode = 'null_value_not_allowed', hint = 'Is the content NULL, or the file larger than its limit?';
    end if;
    if v_model.headers_call is not null then
        v_headers := polar_ai._call_function(v_model.headers_call, _call_model.model_id, v_body, caller_path);
    end if;

    select p.content, p.error into v_answer
    from polar_ai._post(_call_model.model_id, v_model.permit, v_body::text, v_headers::text) as p;
    if v_answer.error is not null then
        perform polarlens._raise(v_answer.error);
    end if;

    v_result := polar_ai._call_function(
        v_model.out_call, _call_model.model_id, v_answer.content::jsonb, caller_path
    );
    perform polar_ai._check_result(_call_model.model_id, v_result, v_answer.content::jsonb);
    return v_result;
end
$$;

comment on function polar_ai._call_model(text, anyelement, text) is
'Internal: ai_callmodel, with the search_path under which transform functions run.';
