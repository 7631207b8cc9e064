-- No search_path of its own, like ai_callmodel and for its reason.
create or replace function polar_ai.ai_embedding(model_id text, content text) returns real[]
language plpgsql
as $$
declare
    v_model record;
    v_embedded record;
    v_result pg_catalog.jsonb;
    v_error pg_catalog.jsonb;
begin
    if pg_catalog.btrim(ai_embedding.content) operator(pg_catalog.=) '' or ai_embedding.content is null then
        raise exception 'cannot embed an empty or NULL input with model %', ai_embedding.model_id
        using errcode = 'null_value_not_allowed';
    end if;
    select m.* into v_model from polar_ai._model(ai_embedding.model_id) as m;
    if v_model.in_fn is not null then
        v_result := polar_ai.ai_callmodel(ai_embedding.model_id, ai_embedding.content);
        v_error := polarlens._embedding_error(ai_embedding.model_id, v_result);
        if v_error is not null then
            perform polarlens._raise(v_error);
        end if;
        return (
            select pg_catalog.array_agg(
                case
                    -- Too small for 32 bits: the cast would raise an error.
                    when pg_catalog.abs(e.value::pg_catalog.numeric) operator(pg_catalog.<) 1.1754944e-38 then 0
                    else e.value::pg_catalog.float4
                end
                order by e.ordinality
            )
            from pg_catalog.jsonb_array_elements_text(v_result) with ordinality as e
        );
    end if;
    select e.embedding, e.error into v_embedded
    from polar_ai._embed_one(ai_embedding.model_id, v_model.permit, v_model.fingerprint, ai_embedding.content) as e;
    if v_embedded.error is not null then
        perform polarlens._raise(v_embedded.error);
    end if;
    return v_embedded.embedding;
end
$$;

comment on function polar_ai.ai_embedding(text, text) is
'One input''s embedding as the model returns it (not normalised): a text for a text model, a path or URL
for an image model. The embedding of a text is kept in the session for the next call. Errors as ai_callmodel; 22004 for an empty input.';

revoke all on function polar_ai.ai_embedding(text, text) from public;
grant execute on function polar_ai.ai_embedding(text, text) to polar_ai_user, polar_ai_admin;
