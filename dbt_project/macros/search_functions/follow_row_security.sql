{#- A post-hook: where row-level security hides sources from somebody, what was made of them is hidden as well. -#}
{% macro follow_row_security(relation, sources, key, keys=none) -%}
    {#- Citus takes no database before the schema. -#}
    {%- set relation = relation.include(database=false) %}
    do $polarlens_rls$
    begin
        if exists (
            -- A view's rows are those of the tables below it.
            with recursive below as (
                select '{{ sources }}'::regclass::oid as relid
                union
                select d.refobjid
                from below as b
                inner join pg_catalog.pg_rewrite as r on r.ev_class = b.relid
                inner join pg_catalog.pg_depend as d
                    on d.classid = 'pg_catalog.pg_rewrite'::regclass and d.objid = r.oid and d.refclassid = 'pg_catalog.pg_class'::regclass
            )
            select from below as b
            inner join pg_catalog.pg_class as c on b.relid = c.oid
            where c.relrowsecurity
        ) then
            {%- if execute and polarlens._distributed() and polarlens._in_shards(relation) %}
            raise exception 'rows of {{ sources }} are hidden by row-level security, and {{ relation }}, which is distributed, cannot follow'
            using errcode = 'feature_not_supported',
            detail = 'Citus takes no policy that looks into another table.',
            hint = 'Keep this table on one machine, with distributed=false in the model; or take the row-level security from the sources.';
            {%- endif %}
            if current_setting('server_version_num')::integer < 150000 then
                raise exception '{{ sources }} has row-level security, which views follow from PostgreSQL 15 on';
            end if;
            alter table {{ relation }} enable row level security;
            drop policy if exists polarlens_follows_sources on {{ relation }};
            create policy polarlens_follows_sources on {{ relation }} for select
            using (
                {%- for own in keys or [key] %}
                {{ 'and ' if not loop.first }}exists (select from {{ sources }} as s where s.{{ key }} = {{ relation.identifier }}.{{ own }})
                {%- endfor %}
            );
        else
            drop policy if exists polarlens_follows_sources on {{ relation }};
            alter table {{ relation }} disable row level security;
        end if;
    end
    $polarlens_rls$
{%- endmacro %}
