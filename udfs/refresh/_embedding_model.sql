create or replace function polarlens._embedding_model(
    model_id text,
    out fingerprint text, out kind text, out dimension integer, out request_size integer
)
language plpgsql stable
set search_path to pg_catalog, pg_temp
as $$
begin
    select
        m.fingerprint,
        s.kind,
        s.dimension,
        s.request_size
    into fingerprint, kind, dimension, request_size
    from polar_ai._model(_embedding_model.model_id) as m
    cross join polarlens._model_settings(m.model_config) as s;
end
$$;

comment on function polarlens._embedding_model(text) is
'Internal: what a refresh needs of a model: the fingerprint of its embeddings, its kind of input (text or image), its
dimension as registered (NULL if not declared) and the inputs per request.
Errors: 42704 no such model, 42501 not granted to the current role.';
