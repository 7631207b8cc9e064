create or replace function polar_ai._embedding(model_id text, content text, caller_path text) returns real[]
language plpgsql
set search_path to pg_catalog, pg_temp
as $$
declare
    v_model record;
    v_embedded record;
    v_result jsonb;
    v_error jsonb;
begin
    if coalesce(btrim(_embedding.content), '') = '' then
        raise exception 'cannot embed an empty or NULL input with model %', _embedding.model_id
        using errcode = 'null_value_not_allowed';
    end if;
    select m.* into v_model from polar_ai._model(_embedding.model_id) as m;
    if v_model.in_fn is not null then
        v_result := polar_ai._call_model(_embedding.model_id, _embedding.content, caller_path);
        v_error := polarlens._embedding_error(_embedding.model_id, v_result);
        if v_error is not null then
            perform polarlens._raise(v_error);
        end if;
        return polarlens._real_array(v_result);
    end if;
    select e.embedding, e.error into v_embedded
    from polar_ai._embed_one(_embedding.model_id, v_model.permit, v_model.fingerprint, _embedding.content) as e;
    if v_embedded.error is not null then
        perform polarlens._raise(v_embedded.error);
    end if;
    return v_embedded.embedding;
end
$$;

comment on function polar_ai._embedding(text, text, text) is
'Internal: ai_embedding, with the search_path under which transform functions run.';
