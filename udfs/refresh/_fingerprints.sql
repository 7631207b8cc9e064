create or replace function polarlens._fingerprints(model_ids text[]) returns jsonb
language plpgsql stable
set search_path to pg_catalog, pg_temp
as $$
declare
    v_model_id text;
    v_fingerprint text;
    v_found jsonb := '{}';
begin
    foreach v_model_id in array model_ids loop
        begin
            select m.fingerprint into v_fingerprint from polarlens._embedding_model(v_model_id) as m;
        exception when undefined_object or insufficient_privilege then
            v_fingerprint := null;
        end;
        v_found := v_found || jsonb_build_object(v_model_id, v_fingerprint);
    end loop;
    return v_found;
end
$$;

comment on function polarlens._fingerprints(text[]) is
'Internal: the fingerprint of each of these models, null for one that is not registered or not granted.';
