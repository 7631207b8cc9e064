create or replace function polarlens._model_fingerprint(
    model_provider text, model_name text, model_config jsonb, functions jsonb
) returns text
language plpgsql immutable
set search_path to pg_catalog, pg_temp
as $$
begin
    -- 64 bits tell the versions of one model apart, and are stored in every row.
    return left(encode(sha256(convert_to((
        jsonb_build_array(
            lower(model_provider), model_name, model_config - '{author_type,batch_size,logit_scale,batch}'::text[]
        ) || functions
    )::text, 'UTF8')), 'hex'), 16);
end
$$;

comment on function polarlens._model_fingerprint(text, text, jsonb, jsonb) is
'Internal: a hash of what the embeddings of a model depend on: provider, name, settings, and the source of its
transform functions (a JSON array). The address is not part of it.';
