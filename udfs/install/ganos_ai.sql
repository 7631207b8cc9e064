-- SQL written for PolarDB still uses the extension's former schema: every public function has its name there too.
do $$
declare
    v_function record;
begin
    -- The owner of the schema could replace these functions by others.
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
            p.proname as name,
            format('%I(%s)', p.proname, pg_get_function_arguments(p.oid)) as signature,
            format('%I(%s)', p.proname, pg_get_function_identity_arguments(p.oid)) as identity,
            pg_get_function_result(p.oid) as result,
            case p.provolatile when 's' then 'stable' else 'volatile' end
            || case when p.proisstrict then ' strict' else '' end as behaviour,
            -- SELECT * FROM suits all of them, but a plain call can be inlined.
            case when p.proretset or p.prorettype = 'record'::regtype then '* from ' else '' end as whole_rows,
            (select string_agg('$' || n, ', ' order by n) from generate_series(1, p.pronargs) as n) as arguments,
            case when has_function_privilege('polar_ai_user', p.oid, 'execute') then ', polar_ai_user' end as others
        from pg_proc as p
        where p.pronamespace = 'polar_ai'::regnamespace and p.proname like 'ai\_%'
    loop
        execute format(
            'create or replace function ganos_ai.%s returns %s language sql %s as %L',
            v_function.signature, v_function.result, v_function.behaviour,
            format('select %spolar_ai.%I(%s)', v_function.whole_rows, v_function.name, v_function.arguments)
        );
        execute format(
            'comment on function ganos_ai.%1$s is %2$L;
            revoke all on function ganos_ai.%1$s from public;
            grant execute on function ganos_ai.%1$s to polar_ai_admin%3$s',
            v_function.identity, format('polar_ai.%s under the schema''s former name.', v_function.name),
            v_function.others
        );
    end loop;
end
$$;
