create or replace function polarlens._embedding_model(
    model_id text,
    out fingerprint text, out kind text, out dimension integer, out request_size integer
)
language plpgsql stable
set search_path to pg_catalog, pg_temp
as $$
begin
    select
        polarlens._model_fingerprint(m.model_provider, m.model_name, m.model_config, '[]'),
        s.kind,
        s.dimension,
        s.request_size
    into fingerprint, kind, dimension, request_size
    from polarlens.models as m
    cross join polarlens._model_settings(m.model_config) as s
    where m.model_id = _embedding_model.model_id;
    if not found then
        raise exception 'there is no model %', coalesce(_embedding_model.model_id, 'NULL')
        using errcode = 'undefined_object',
        hint = 'select model_id from polar_ai._ai_models; lists the registered ones.';
    end if;
end
$$;

comment on function polarlens._embedding_model(text) is
'Internal: what a refresh needs of a model of the native extension, as the function of the same name in udfs/refresh.
Errors: 42704 no such model.';
