{#- A dbt function resource in PL/pgSQL, with defaults, a pinned search_path, its description as COMMENT, and grants. -#}
{% materialization search_function, adapter='postgres' %}
    {{ run_hooks(pre_hooks) }}
    {% call statement('main') %}
        {{ polarlens.create_search_function(model, model.compiled_code, this.schema) }}
    {% endcall %}
    {{ run_hooks(post_hooks) }}
    {% do adapter.commit() %}
    {{ return({'relations': [this]}) }}
{% endmaterialization %}


{#- What `dbt run` leaves out, as the SQL of an on-run-end hook: this package's search functions. `dbt build` builds them as resources. -#}
{% macro build_search_functions(package='polarlens') %}
    {%- if execute and flags.WHICH == 'run' -%}
        {%- for function in graph.functions.values()
            if function.package_name == package and function.config.materialized == 'search_function' %}
            {{ polarlens.create_search_function(function, render(function.raw_code), function.schema) }}
        {%- endfor -%}
    {%- else -%}
        {#- A hook has to run something. -#}
        select 1
    {%- endif -%}
{% endmacro %}


{#- The DDL of one search function. CREATE OR REPLACE cannot change a result type or drop an old signature: those go first. -#}
{% macro create_search_function(node, body, schema) %}
    {%- set name = schema ~ '.' ~ node.alias -%}
    {%- set signature = [] -%}
    {%- set types = [] -%}
    {%- set docs = [node.description | trim] -%}
    {%- for argument in node.arguments -%}
        {%- set default = ' default ' ~ argument.default_value if argument.default_value else '' -%}
        {%- do signature.append(argument.name ~ ' ' ~ argument.data_type ~ default) -%}
        {%- do types.append(argument.data_type) -%}
        {%- do docs.append(argument.name ~ ': ' ~ (argument.description or '')) -%}
    {%- endfor -%}
    {%- do docs.append('Returns ' ~ (node.returns.description or node.returns.data_type)) -%}
    {%- set header -%}
create or replace function {{ name }}({{ signature | join(', ') }})
returns {{ node.returns.data_type }}
language plpgsql {{ 'stable' if node.config.volatility == 'stable' else 'volatile' }}
set search_path to {{ polarlens.vector_search_path() }}
set hnsw.iterative_scan to 'strict_order'
    {%- endset -%}
    do $polarlens_ddl$
    declare
        v_old record;
    begin
        for v_old in
            select p.oid::regprocedure as signature
            from pg_catalog.pg_proc as p
            where p.pronamespace = '{{ schema }}'::regnamespace
                and p.proname = '{{ node.alias }}'
                and (
                    p.oid is distinct from to_regprocedure('{{ name }}({{ types | join(", ") }})')
                    or pg_catalog.lower(pg_catalog.pg_get_function_result(p.oid)) <> '{{ node.returns.data_type | lower }}'
                )
        loop
            execute pg_catalog.format('drop function %s', v_old.signature);
        end loop;
    end
    $polarlens_ddl$;

    {{ header }}
    as $polarlens_body$
    #variable_conflict use_column
    {{ body }}
    $polarlens_body$;

    comment on function {{ name }}({{ types | join(', ') }}) is $polarlens_doc${{ docs | join('\n') }}$polarlens_doc$;
    {% for grantee in node.config.get('meta', {}).get('grant_execute', []) %}
    grant execute on function {{ name }}({{ types | join(', ') }}) to {{ adapter.quote(grantee) }};
    {% endfor %}
{% endmacro %}


{#- The search_path of functions that compare vectors: the catalogue, wherever pgvector lives, and nothing that others can write to first. -#}
{% macro vector_search_path() %}
    {%- set home = run_query(
        "select pg_catalog.quote_ident(n.nspname) from pg_catalog.pg_extension as e "
        "inner join pg_catalog.pg_namespace as n on e.extnamespace = n.oid where e.extname = 'vector'"
    ).columns[0].values() if execute else ['public'] -%}
    pg_catalog, {{ home[0] }}, pg_temp
{%- endmacro %}
