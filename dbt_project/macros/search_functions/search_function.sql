{#- A dbt function resource in PL/pgSQL, with defaults, a pinned search_path, its description as COMMENT, and grants. -#}
{% materialization search_function, adapter='postgres' %}
    {{ run_hooks(pre_hooks) }}
    {% call statement('main') %}
        {{ polarlens._create_search_function(model, model.compiled_code, this.schema) }}
    {% endcall %}
    {{ run_hooks(post_hooks) }}
    {% do adapter.commit() %}
    {{ return({'relations': [this]}) }}
{% endmaterialization %}


{#- What `dbt run` leaves out, as the SQL of an on-run-start hook: the search functions, of whatever project. `dbt build`
    builds them as resources. At the start, as views and models call them; their bodies name tables only when they are called. -#}
{% macro build_search_functions() %}
    {%- if execute and flags.WHICH in ['run', 'build'] -%}
        {%- do polarlens._check_installation() -%}
        {%- if polarlens._distributed() %}
            {{ polarlens._create_set_on_workers() }}
        {%- endif -%}
        {%- if flags.WHICH == 'run' -%}
            {%- for function in graph.functions.values() if function.config.materialized == 'search_function' %}
                {{ polarlens._create_missing_schema(function.schema) }}
                {#- A hook may not ref() what it has not named while it was parsed. -#}
                {{ polarlens._create_search_function(
                    function, render('{%- set ref = polarlens._relation_of -%}' ~ function.raw_code), function.schema
                ) }}
            {%- endfor -%}
        {%- endif -%}
        {{ polarlens._let_readers_in() }}
    {%- endif %}
    {#- A hook has to run something. -#}
    select 1
{% endmacro %}


{#- Says what to do where the database has no polarlens, or one from before this project. -#}
{% macro _check_installation() %}
    {%- if run_query(
        "select not exists (select from pg_catalog.pg_attribute as a where a.attrelid = pg_catalog.to_regclass('polarlens.embedding_spaces') and a.attname = 'query_models')"
    ).columns[0].values()[0] -%}
        {{ exceptions.raise_compiler_error(
            'the database ' ~ target.database ~ ' has no polarlens, or an older one: install it with `alembic upgrade head` in a checkout of polarlens'
        ) }}
    {%- endif -%}
    {%- do polarlens._check_citus() -%}
{% endmacro %}


{#- SQL that creates a schema that dbt has not: it creates those of the models that it runs, and a hook runs before all. -#}
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


{#- The DDL of one search function. CREATE OR REPLACE cannot change a result type or drop an old
    signature: those go first, with the views on them, which dbt builds next. -#}
{% macro _create_search_function(node, body, schema) %}
    {%- set name = adapter.quote(schema) ~ '.' ~ adapter.quote(node.alias) -%}
    {%- set signature = [] -%}
    {%- set types = [] -%}
    {%- set docs = [node.description | trim] -%}
    {%- for argument in node.arguments -%}
        {%- set type = argument.data_type | replace('halfvec', polarlens._vector_type('')) -%}
        {%- set default = ' default ' ~ argument.default_value if argument.default_value else '' -%}
        {%- do signature.append(argument.name ~ ' ' ~ type ~ default) -%}
        {%- do types.append(type) -%}
        {%- do docs.append(argument.name ~ ': ' ~ (argument.description or '')) -%}
    {%- endfor -%}
    {%- do docs.append('Returns ' ~ (node.returns.description or node.returns.data_type)) -%}
    {%- set meta = node.config.get('meta', {}) -%}
    {%- set result = node.returns.data_type | replace('halfvec', polarlens._vector_type('')) -%}
    {%- set header -%}
create or replace function {{ name }}({{ signature | join(', ') }})
returns {{ result }}
language plpgsql {{ 'stable' if node.config.volatility == 'stable' else 'volatile' }}
{% if meta.get('definer') -%}
security definer
set search_path to pg_catalog, polar_ai, {{ polarlens._vector_schema() }}, pg_temp
{%- else -%}
set search_path to pg_catalog, {{ polarlens._vector_schema() }}, pg_temp
{%- endif %}
{%- if meta.get('scans') %}
set hnsw.iterative_scan to 'relaxed_order'
set hnsw.ef_search to '200'
{% if not polarlens._distributed() -%}
{#- Citus plans for the values. -#}
set plan_cache_mode to 'force_generic_plan'
{%- endif %}
{%- endif %}
    {%- endset -%}
    {{ polarlens._only_on_coordinator('off') }}
    do $polarlens_ddl$
    declare
        v_old record;
    begin
        -- Loads pgvector: before that, only a superuser may name its settings in a function's SET clause.
        perform '[1]'::{{ polarlens._vector_schema() }}.vector;
        for v_old in
            select p.oid::regprocedure as signature
            from pg_catalog.pg_proc as p
            where p.pronamespace = {{ polarlens._literal(adapter.quote(schema)) }}::regnamespace
                and p.proname = '{{ node.alias }}'
                and (
                    p.oid is distinct from to_regprocedure('{{ name }}({{ types | join(", ") }})')
                    or pg_catalog.lower(pg_catalog.pg_get_function_result(p.oid)) <> '{{ result | lower }}'
                )
        loop
            execute pg_catalog.format('drop function %s cascade', v_old.signature);
        end loop;
    end
    $polarlens_ddl$;

    {{ header }}
    as $polarlens_body$
    #variable_conflict use_column
    {# Without the database's name: a copy or a dump restored under another name has to go on working. -#}
    {{ body | replace(adapter.quote(target.database) ~ '.', '') }}
    $polarlens_body$;

    comment on function {{ name }}({{ types | join(', ') }}) is $polarlens_doc${{ docs | join('\n') }}$polarlens_doc$;
    revoke all on function {{ name }}({{ types | join(', ') }}) from public;
    grant execute on function {{ name }}({{ types | join(', ') }})
    to polarlens_reader, polar_ai_user, polar_ai_admin;
    {{ polarlens._only_on_coordinator('on') }}
{% endmacro %}


{#- The schema that pgvector lives in: its operators are found there, and nowhere that others can write to first. -#}
{% macro _vector_schema() %}
    {%- set home = run_query(
        "select pg_catalog.quote_ident(n.nspname) from pg_catalog.pg_extension as e "
        "inner join pg_catalog.pg_namespace as n on e.extnamespace = n.oid where e.extname = 'vector'"
    ).columns[0].values() if execute else ['public'] -%}
    {{ home[0] }}
{%- endmacro %}


{#- Lets the readers into the schemas with something for them: search functions, and models that are granted to them.
    What they may read there is the models' own `grants`. -#}
{% macro _let_readers_in() %}
    {%- set schemas = graph.functions.values() | selectattr('config.materialized', 'equalto', 'search_function') | map(attribute='schema') | list -%}
    {%- for node in graph.nodes.values() if 'polarlens_reader' in (node.config.get('grants') or {}).get('select', []) -%}
        {%- do schemas.append(node.schema) -%}
    {%- endfor -%}
    {%- for schema in schemas | unique %}
    do $polarlens_schema$
    begin
        -- One that is not there yet belongs to models that this run leaves out.
        if pg_catalog.to_regnamespace({{ polarlens._literal(adapter.quote(schema)) }}) is not null then
            grant usage on schema {{ adapter.quote(schema) }} to polarlens_reader, polar_ai_user, polar_ai_admin;
        end if;
    end
    $polarlens_schema$;
    {%- endfor -%}
{% endmacro %}
