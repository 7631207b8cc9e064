-- The extension's former schema name, which SQL written for PolarDB still uses: each public function under that name too.
do $$
declare
    v_function record;
begin
    -- Somebody else's schema: its owner could put other functions in the place of ours.
    if exists (
        select from pg_namespace as n
        inner join pg_roles as r on n.nspowner = r.oid
        where n.nspname = 'ganos_ai' and n.nspowner <> current_user::regrole and not r.rolsuper
    ) then
        raise exception 'the schema ganos_ai belongs to somebody else'
        using errcode = 'insufficient_privilege', hint = 'Drop it, or alter schema ganos_ai owner to whoever upgrades.';
    end if;
    create schema if not exists ganos_ai;
    comment on schema ganos_ai is 'polar_ai under its former name, for SQL written for PolarDB.';
    grant usage on schema ganos_ai to polar_ai_user, polar_ai_admin;
    for v_function in
        select
            p.oid, p.proname, p.proretset, p.provolatile, p.proisstrict, p.pronargs,
            pg_get_function_arguments(p.oid) as arguments,
            pg_get_function_identity_arguments(p.oid) as identity,
            pg_get_function_result(p.oid) as result,
            has_function_privilege('polar_ai_user', p.oid, 'execute') as for_users
        from pg_proc as p
        where p.pronamespace = 'polar_ai'::regnamespace and p.proname like 'ai\_%'
    loop
        execute format(
            'create or replace function ganos_ai.%I(%s) returns %s language sql %s as %L',
            v_function.proname, v_function.arguments, v_function.result,
            case v_function.provolatile when 'v' then 'volatile' when 's' then 'stable' else 'immutable' end
            || case when v_function.proisstrict then ' strict' else '' end,
            format(
                'select %s polar_ai.%I(%s)%s',
                case when v_function.result like 'TABLE(%' or v_function.result = 'record' then '* from' else '' end,
                v_function.proname,
                (select string_agg('$' || n, ', ' order by n) from generate_series(1, v_function.pronargs) as n),
                ''
            )
        );
        execute format(
            'comment on function ganos_ai.%I(%s) is %L',
            v_function.proname, v_function.identity,
            format('polar_ai.%s under the schema''s former name.', v_function.proname)
        );
        execute format('revoke all on function ganos_ai.%I(%s) from public', v_function.proname, v_function.identity);
        execute format(
            'grant execute on function ganos_ai.%I(%s) to polar_ai_admin%s',
            v_function.proname, v_function.identity, case when v_function.for_users then ', polar_ai_user' else '' end
        );
    end loop;
end
$$;
