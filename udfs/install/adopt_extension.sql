-- `create extension polar_ai` ran these migrations too: its members become ordinary objects, and the extension goes.
do $$
declare
    v_member record;
begin
    -- The extension's own script is made from this script.
    if current_setting('polarlens.creating_extension', true) = 'on' then
        return;
    end if;
    if exists (
        select from pg_extension as e
        where e.extname = 'polar_ai' and not exists (
            select from pg_depend as d
            where d.refclassid = 'pg_extension'::regclass and d.refobjid = e.oid and d.deptype = 'e'
                and d.classid = 'pg_namespace'::regclass and d.objid = to_regnamespace('polarlens')
        )
    ) then
        raise exception 'this database has an extension polar_ai of its own: PolarDB''s, it seems'
        using hint = 'Keep it, and put beside it what dbt needs: alembic -x polar_ai=native upgrade head';
    end if;
    for v_member in
        select d.classid, d.objid, o.type, o.identity
        from pg_extension as e
        inner join pg_depend as d on d.refclassid = 'pg_extension'::regclass and d.refobjid = e.oid and d.deptype = 'e'
        cross join lateral pg_identify_object(d.classid, d.objid, d.objsubid) as o
        where e.extname = 'polar_ai'
        -- A table takes its types with it, and a type its array type: in that order.
        order by o.type like '%type', o.identity like '%[]'
    loop
        continue when not exists (
            select from pg_depend as d
            where d.classid = v_member.classid and d.objid = v_member.objid and d.deptype = 'e'
        );
        execute format(
            'alter extension polar_ai drop %s %s',
            case v_member.type when 'composite type' then 'type' else v_member.type end, v_member.identity
        );
    end loop;
    drop extension if exists polar_ai;
end
$$;
