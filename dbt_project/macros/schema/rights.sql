{#- SQL that creates a schema that dbt has not created: it creates those of the models that it runs, and a hook may come
    before all. -#}
{% macro _create_missing_schema(schema) %}
    do $polarlens_schema$
    begin
        -- `if not exists` would ask for the right to create schemas even where there is nothing to create.
        if pg_catalog.to_regnamespace({{ polarlens._literal(adapter.quote(schema)) }}) is null then
            create schema {{ adapter.quote(schema) }};
        end if;
    end
    $polarlens_schema$;
{% endmacro %}


{#- Lets the readers into the schemas with something for them: search functions, and models that are granted to them.
    The models' own `grants` decide what they may read there. -#}
{% macro _grant_schema_usage() %}
    {%- set schemas = [] -%}
    {%- for function in graph.functions.values() if function.config.materialized == 'search_function' -%}
        {%- do schemas.append(function.schema) -%}
    {%- endfor -%}
    {%- for node in graph.nodes.values()
        if 'polarlens_reader' in (node.config.get('grants') or {}).get('select', []) -%}
        {%- do schemas.append(node.schema) -%}
    {%- endfor -%}
    {%- for schema in schemas | unique %}
    do $polarlens_schema$
    begin
        -- A schema that does not exist yet belongs to models that this run leaves out.
        if pg_catalog.to_regnamespace({{ polarlens._literal(adapter.quote(schema)) }}) is not null then
            grant usage on schema {{ adapter.quote(schema) }} to polarlens_reader, polar_ai_user, polar_ai_admin;
        end if;
    end
    $polarlens_schema$;
    {%- endfor -%}
{% endmacro %}


{#- A post-hook: has a view read what is below it with its reader's rights, so that row-level security counts
    (PostgreSQL 15 and later). -#}
{% macro reader_rights() -%}
    {%- if execute and model.config.materialized in ['view', 'search_view']
        and polarlens._query_value("select current_setting('server_version_num')::integer >= 150000") -%}
        alter view {{ this }} set (security_invoker = true)
    {%- else -%}
        select 1
    {%- endif -%}
{%- endmacro %}


{#- A post-hook: hides rows made of sources that row-level security hides from the reader. -#}
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
                    on d.classid = 'pg_catalog.pg_rewrite'::regclass
                        and d.objid = r.oid
                        and d.refclassid = 'pg_catalog.pg_class'::regclass
            )
            select from below as b
            inner join pg_catalog.pg_class as c on b.relid = c.oid
            where c.relrowsecurity
        ) then
            {%- if execute and polarlens._distributed() and polarlens._in_shards(relation) %}
            raise exception
                'row-level security hides rows of {{ sources }}, and {{ relation }} is distributed and cannot follow'
            using errcode = 'feature_not_supported',
            detail = 'Citus takes no policy that looks into another table.',
            hint = 'Keep this table on one machine, with distributed=false in the model; '
                'or take the row-level security from the sources.';
            {%- endif %}
            if current_setting('server_version_num')::integer < 150000 then
                raise exception '{{ sources }} has row-level security, which views follow from PostgreSQL 15 on';
            end if;
            alter table {{ relation }} enable row level security;
            drop policy if exists polarlens_follows_sources on {{ relation }};
            create policy polarlens_follows_sources on {{ relation }} for select
            using (
                {%- for own in keys or [key] %}
                {{ 'and ' if not loop.first }}exists (
                    select from {{ sources }} as s where s.{{ key }} = {{ relation.identifier }}.{{ own }}
                )
                {%- endfor %}
            );
        else
            drop policy if exists polarlens_follows_sources on {{ relation }};
            alter table {{ relation }} disable row level security;
        end if;
    end
    $polarlens_rls$
{%- endmacro %}
