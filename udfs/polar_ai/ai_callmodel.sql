-- No search_path of its own: the transform functions are the caller's, and find what the caller finds.
-- Everything that this body names is qualified, down to the operators, and it runs with the caller's rights.
create or replace function polar_ai.ai_callmodel(model_id text, content anyelement) returns jsonb
language plpgsql
as $$
declare
    v_model record;
    v_body pg_catalog.jsonb;
    v_headers pg_catalog.jsonb;
    v_answer record;
    v_result pg_catalog.jsonb;
begin
    select m.* into v_model from polar_ai._model(ai_callmodel.model_id) as m;

    if v_model.in_fn is null
        and v_model.model_type operator(pg_catalog.=) any (array['text-generation', 'text-classification']) then
        select p.content, p.error into v_answer
        from polar_ai._call_provider(
            ai_callmodel.model_id, v_model.permit, ai_callmodel.content::pg_catalog.text
        ) as p;
        if v_answer.error is not null then
            perform polarlens._raise(v_answer.error);
        end if;
        return v_answer.content::pg_catalog.jsonb;
    elsif v_model.in_fn is null and pg_catalog.pg_typeof(content) operator(pg_catalog.=) 'pg_catalog.bytea'::pg_catalog.regtype then
        return pg_catalog.to_jsonb(polar_ai.ai_embedding(
            ai_callmodel.model_id,
            'data:;base64,' operator(pg_catalog.||) pg_catalog.encode(ai_callmodel.content::pg_catalog.bytea, 'base64')
        ));
    elsif v_model.in_fn is null then
        return pg_catalog.to_jsonb(polar_ai.ai_embedding(ai_callmodel.model_id, ai_callmodel.content::pg_catalog.text));
    end if;

    execute pg_catalog.format('select %s($1, $2)::pg_catalog.jsonb', v_model.in_fn)
    into v_body using v_model.model_name, ai_callmodel.content;
    if v_body is null then
        raise exception 'calling model %: % returned NULL instead of a request body',
            ai_callmodel.model_id, v_model.in_fn
        using errcode = 'null_value_not_allowed', hint = 'Is the content NULL, or the file larger than its limit?';
    end if;

    if v_model.headers_call is not null then
        execute pg_catalog.format('select (%s)::pg_catalog.jsonb', v_model.headers_call)
        into v_headers using ai_callmodel.model_id, v_body;
    end if;

    select p.content, p.error into v_answer
    from polar_ai._post(ai_callmodel.model_id, v_model.permit, v_body::pg_catalog.text, v_headers::pg_catalog.text) as p;
    if v_answer.error is not null then
        perform polarlens._raise(v_answer.error);
    end if;

    execute pg_catalog.format('select %s($1, $2)::pg_catalog.jsonb', v_model.out_fn)
    into v_result using ai_callmodel.model_id, v_answer.content::pg_catalog.jsonb;
    perform polar_ai._check_result(ai_callmodel.model_id, v_result, v_answer.content::pg_catalog.jsonb);
    return v_result;
end
$$;

comment on function polar_ai.ai_callmodel(text, anyelement) is
'Calls a registered model: model_in_transform_fn(model_name, content) makes the request body, the answer goes through
model_out_transform_fn(model_id, response), whose value is returned. Both run with the caller''s rights. A model of a known
provider needs no functions and returns the embedding as a JSON array. Content may have any type: cast literals (''x''::text).
Never NULL: where the model gives no result, an error says what it answered. Errors: 42704 no such model, 08001/08006 service
not reached or broken off, 08P01 bad answer, 28000 token refused, 53000 overloaded, 22004 no content.';

revoke all on function polar_ai.ai_callmodel(text, anyelement) from public;
grant execute on function polar_ai.ai_callmodel(text, anyelement) to polar_ai_user, polar_ai_admin;
