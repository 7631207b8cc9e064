{#- A dbt function resource in PL/pgSQL, with defaults, a pinned search_path, its description as COMMENT, and grants.
    -#}
{% materialization search_function, adapter='postgres' %}
    {{ run_hooks(pre_hooks) }}
    {% call statement('main') %}
        {{ polarlens._create_search_function(model, model.compiled_code) }}
    {% endcall %}
    {{ run_hooks(post_hooks) }}
    {% do adapter.commit() %}
    {{ return({'relations': [this]}) }}
{% endmaterialization %}


{#- An on-run-start hook: creates the search functions of all projects in `dbt run`, which builds no functions itself,
    and lets the readers in. At the start, because views and models call them; their bodies name tables only when
    called. -#}
{% macro build_search_functions() %}
    {%- if execute and flags.WHICH in ['run', 'build'] -%}
        {%- do polarlens._check_installation() -%}
        {%- set misplaced = polarlens._misplaced_internals() -%}
        {%- set ddl -%}
            {%- if polarlens._distributed() %}
                {{ polarlens._create_set_on_workers() }}
            {%- endif -%}
            {%- for function in graph.functions.values()
                if function.config.materialized == 'search_function' and (flags.WHICH == 'run' or misplaced) %}
                {{ polarlens._create_missing_schema(function.schema) }}
                {#- A function's file says ref(), which dbt refuses in a hook. In the text that is rendered here, the
                    name stands for our macro: a set shadows a global by Jinja's rules of scope. -#}
                {{ polarlens._create_search_function(
                    function, render('{%- set ref = polarlens._ref_in_hook -%}' ~ function.raw_code)
                ) }}
            {%- endfor -%}
            {{ polarlens._grant_schema_usage() }}
        {%- endset -%}
        {%- if misplaced -%}
            {{ polarlens._move_internals(misplaced, ddl) }}
        {%- else -%}
            {{ ddl }}
        {%- endif -%}
    {%- endif %}
    {#- A hook has to run something. -#}
    select 1
{% endmacro %}


{#- The DDL of one search function. CREATE OR REPLACE cannot change a result type or drop an old signature: those go
    first, with the views on them, which dbt builds next. -#}
{% macro _create_search_function(node, body) %}
    {%- set schema = adapter.quote(node.schema) -%}
    {%- set name = schema ~ '.' ~ adapter.quote(node.alias) -%}
    {%- set vector_type = polarlens._vector_type() -%}
    {%- set vector_schema = polarlens._vector_schema() -%}
    {%- set photo = [] -%}
    {%- for column in polarlens._photo_columns() -%}
        {%- do photo.append(column.name ~ ' ' ~ column.type) -%}
    {%- endfor -%}
    {%- set result = node.returns.data_type | replace('halfvec', vector_type) -%}
    {%- set result = result | replace('{photo}', photo | join(', ')) -%}
    {%- set parameters = [] -%}
    {%- set types = [] -%}
    {%- set docs = [node.description | trim] -%}
    {%- for argument in node.arguments -%}
        {%- set type = argument.data_type | replace('halfvec', vector_type) -%}
        {%- set default = ' default ' ~ argument.default_value if argument.default_value else '' -%}
        {%- do parameters.append(argument.name ~ ' ' ~ type ~ default) -%}
        {%- do types.append(type) -%}
        {%- do docs.append(argument.name ~ ': ' ~ (argument.description or '')) -%}
    {%- endfor -%}
    {%- do docs.append('Returns ' ~ (node.returns.description or node.returns.data_type)) -%}
    {%- set meta = node.config.get('meta', {}) -%}
    {%- set signature = name ~ '(' ~ types | join(', ') ~ ')' -%}
    {{ polarlens._only_on_coordinator('off') }}
    do $polarlens_ddl$
    declare
        v_old record;
    begin
        -- Loads pgvector: before that, only a superuser may name its settings in a function's SET clause.
        perform '[1]'::{{ vector_schema }}.vector;
        for v_old in
            select p.oid::regprocedure as signature
            from pg_catalog.pg_proc as p
            where p.pronamespace = {{ polarlens._literal(schema) }}::regnamespace
                and p.proname = '{{ node.alias }}'
                and (
                    p.oid is distinct from to_regprocedure('{{ signature }}')
                    or pg_catalog.lower(pg_catalog.pg_get_function_result(p.oid)) <> '{{ result | lower }}'
                )
        loop
            execute pg_catalog.format('drop function %s cascade', v_old.signature);
        end loop;
    end
    $polarlens_ddl$;

    create or replace function {{ name }}({{ parameters | join(', ') }})
    returns {{ result }}
    language plpgsql {{ 'stable' if node.config.volatility == 'stable' else 'volatile' }}
    {%- if meta.get('definer') %}
    security definer
    {%- endif %}
    set search_path to pg_catalog, {{ 'polar_ai, ' if meta.get('definer') }}{{ vector_schema }}, pg_temp
    {%- if meta.get('scans') %}
    set hnsw.iterative_scan to 'relaxed_order'
    set hnsw.ef_search to '200'
    {%- if not polarlens._distributed() %}{# Citus plans for the values. #}
    set plan_cache_mode to 'force_generic_plan'
    {%- endif %}
    {%- endif %}
    as $polarlens_body$
    #variable_conflict use_column
    {# Without the database's name: a copy or a dump restored under another name has to go on working. -#}
    {{ body | replace(adapter.quote(target.database) ~ '.', '') }}
    $polarlens_body$;

    comment on function {{ signature }} is $polarlens_doc${{ docs | join('\n') }}$polarlens_doc$;
    revoke all on function {{ signature }} from public;
    grant execute on function {{ signature }} to polarlens_reader, polar_ai_user, polar_ai_admin;
    {{ polarlens._only_on_coordinator('on') }}
{% endmacro %}


{#- The schema that pgvector lives in: its operators are found there, and nowhere that others can write to first. -#}
{% macro _vector_schema() %}
    {%- set schema_sql -%}
        select pg_catalog.quote_ident(n.nspname) as name
        from pg_catalog.pg_extension as e
        inner join pg_catalog.pg_namespace as n on e.extnamespace = n.oid
        where e.extname = 'vector'
    {%- endset -%}
    {{ run_query(schema_sql).columns[0].values()[0] if execute else 'public' }}
{%- endmacro %}
