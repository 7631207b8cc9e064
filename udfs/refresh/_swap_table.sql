-- Drops and creates again the views on the table: DROP … CASCADE would lose those that people built.
create or replace function polarlens._swap_table(old regclass, new regclass) returns void
language plpgsql
set search_path to pg_catalog, pg_temp
as $$
declare
    v_schema text;
    v_name text;
    v_view record;
    v_statement text;
    v_statements text[] := '{}';
    v_drops text[] := '{}';
begin
    -- One swap at a time: two whose tables stand in one view would wait for each other.
    perform pg_advisory_xact_lock(hashtextextended('polarlens swap', 0));
    execute format('lock table %s in access exclusive mode', old);
    select quote_ident(n.nspname), c.relname into v_schema, v_name
    from pg_class as c
    inner join pg_namespace as n on c.relnamespace = n.oid
    where c.oid = old;

    select coalesce(array_agg(polarlens._grant_statement(new::text, g)), '{}') into v_statements
    from pg_class as c
    cross join lateral aclexplode(c.relacl) as g
    where c.oid = old and g.grantee <> c.relowner;
    foreach v_statement in array v_statements loop
        execute v_statement;
    end loop;
    v_statements := '{}';

    -- Views on the table, and views on these, each after all that it reads.
    for v_view in
        with recursive dependents as (
            select old::oid as oid, 0 as depth
            union all
            select r.ev_class, d.depth + 1
            from dependents as d
            inner join pg_depend as p
                on p.refclassid = 'pg_class'::regclass and d.oid = p.refobjid and p.classid = 'pg_rewrite'::regclass
            inner join pg_rewrite as r on p.objid = r.oid and r.ev_class <> d.oid
            where d.depth < 100
        )

        select
            c.oid, c.relkind, c.relowner, c.relacl, c.reloptions,
            format('%I.%I', n.nspname, c.relname) as name,
            case c.relkind when 'm' then 'materialized view' else 'view' end as kind,
            rtrim(pg_get_viewdef(c.oid), ';') as body
        from (select d.oid, max(d.depth) as depth from dependents as d where d.depth > 0 group by d.oid) as d
        inner join pg_class as c on d.oid = c.oid
        inner join pg_namespace as n on c.relnamespace = n.oid
        where c.relkind in ('v', 'm')
        order by d.depth, c.oid
    loop
        v_drops := format('drop %s %s', v_view.kind, v_view.name) || v_drops;
        v_statements := v_statements || format(
            'create %s %s%s as %s', v_view.kind, v_view.name,
            ' with (' || nullif(array_to_string(v_view.reloptions, ', '), '') || ')', v_view.body
        ) || format('alter %s %s owner to %I', v_view.kind, v_view.name, pg_get_userbyid(v_view.relowner));
        select v_statements || coalesce(array_agg(polarlens._grant_statement(v_view.name, g)), '{}') into v_statements
        from aclexplode(v_view.relacl) as g
        where g.grantee <> v_view.relowner;
        select v_statements || coalesce(array_agg(case d.objsubid
            when 0 then format('comment on %s %s is %L', v_view.kind, v_view.name, d.description)
            else format('comment on column %s.%I is %L', v_view.name, a.attname, d.description)
        end), '{}') into v_statements
        from pg_description as d
        left join pg_attribute as a on d.objoid = a.attrelid and d.objsubid = a.attnum
        where d.objoid = v_view.oid and d.classoid = 'pg_class'::regclass;
        select v_statements || coalesce(array_agg(pg_get_indexdef(i.indexrelid)), '{}') into v_statements
        from pg_index as i
        where i.indrelid = v_view.oid;
    end loop;

    foreach v_statement in array v_drops loop
        execute v_statement;
    end loop;
    -- No cascade: what else depends on the table (a foreign key) stops the swap, and its owner hears of it.
    execute format('drop table %s', old);
    execute format('alter table %s rename to %I', new, v_name);
    foreach v_statement in array v_statements loop
        execute v_statement;
    end loop;
end
$$;

comment on function polarlens._swap_table(regclass, regclass) is
'Internal: drops the table old and gives its name to new, in one transaction. Grants on it, and the views and
materialized views on it with their owners, grants, comments and indexes, are as before; anything else that depends
on it is an error (2BP01).';


create or replace function polarlens._grant_statement(name text, entry record) returns text
language plpgsql stable
set search_path to pg_catalog, pg_temp
as $$
begin
    return format(
        'grant %s on %s to %s%s', entry.privilege_type, name,
        case entry.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(entry.grantee)) end,
        case when entry.is_grantable then ' with grant option' else '' end
    );
end
$$;

comment on function polarlens._grant_statement(text, record) is
'Internal: the GRANT that makes one entry of aclexplode().';
