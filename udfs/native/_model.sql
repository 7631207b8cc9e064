create or replace function polarlens._model(model_id text, out in_fn text, out fingerprint text)
language plpgsql stable
set search_path to pg_catalog, pg_temp
as $$
declare
    v_model record;
begin
    select m.* into v_model from polarlens.models as m where m.model_id = _model.model_id;
    if not found then
        raise exception 'there is no model %', coalesce(_model.model_id, 'NULL')
        using errcode = 'undefined_object', hint = 'select model_id from polar_ai._ai_models; lists the registered ones.';
    end if;
    in_fn := 'native';
    fingerprint := left(encode(sha256(convert_to(jsonb_build_array(
        lower(v_model.model_provider),
        v_model.model_name,
        v_model.model_config - '{author_type,batch_size,logit_scale,batch}'::text[]
    )::text, 'UTF8')), 'hex'), 16);
end
$$;

comment on function polarlens._model(text) is
'Internal: the fingerprint of a model of the native extension: what the embeddings depend on, but not where it runs.';

revoke all on function polarlens._model(text) from public;
grant execute on function polarlens._model(text) to polar_ai_user, polar_ai_admin;
