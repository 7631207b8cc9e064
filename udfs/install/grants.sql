-- Public functions run as their caller, so the roles that call them must be able to execute the internal ones.
-- Nobody else may, and only functions that run as the owner may call the ones listed here.
do $$
declare
    v_owner_only constant text[] := array[
        '_check_location', '_check_model', '_check_transform', '_create_location_permit', '_create_permit',
        '_model_seq', '_permit', '_seal_token', '_store_location_secret', '_store_token'
    ];
    -- The view polarlens.refresh_status calls these as its reader.
    v_readers constant text[] := array['_index_progress', '_refresh_lock_key'];
    v_function record;
begin
    for v_function in
        select
            p.oid::regprocedure as signature,
            p.proname as name
        from pg_proc as p
        -- The permits carry the grants of their models and locations.
        where p.pronamespace = any('@schemas@'::regnamespace[]) and p.proname ~ '^_(?!permit_)'
    loop
        execute format('revoke all on function %s from public', v_function.signature);
        if v_function.name <> all(v_owner_only) then
            execute format('grant execute on function %s to polar_ai_user, polar_ai_admin', v_function.signature);
        end if;
        if v_function.name = any(v_readers) then
            execute format('grant execute on function %s to polarlens_reader', v_function.signature);
        end if;
    end loop;
end
$$;
