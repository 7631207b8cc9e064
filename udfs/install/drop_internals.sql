-- CREATE OR REPLACE cannot change a signature, so every internal function is created again.
-- The permits stay: they carry the grants of their models and locations.
do $$
declare
    v_function regprocedure;
begin
    for v_function in
        select p.oid
        from pg_proc as p
        where p.pronamespace = any('@schemas@'::regnamespace[]) and p.proname ~ '^_(?!permit)'
    loop
        begin
            execute format('drop function %s', v_function);
        exception when dependent_objects_still_exist then
            null;  -- A view is built on it: CREATE OR REPLACE must do.
        end;
    end loop;
end
$$;
