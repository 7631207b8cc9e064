{#- PL/pgSQL that has Citus's workers search with so many candidates, and go on where filters throw them away. -#}
{% macro _set_on_workers(ef_search) -%}
    perform {{ adapter.quote(polarlens._internal_schema()) }}.set_on_workers({{ ef_search }});
{%- endmacro %}


{#- The DDL of the function that does. Citus passes SET LOCAL on to the workers, but no set_config() and no SET clause of a
    function; and only what a nested statement runs: hence a function of its own, called with PERFORM. -#}
{% macro _create_set_on_workers() -%}
    {%- set name = adapter.quote(polarlens._internal_schema()) ~ '.set_on_workers(integer)' -%}
    {{ polarlens._create_missing_schema(polarlens._internal_schema()) }}
    {{ polarlens._only_on_coordinator('off') }}
    create or replace function {{ adapter.quote(polarlens._internal_schema()) }}.set_on_workers(ef_search integer) returns void
    language plpgsql
    set search_path to pg_catalog, pg_temp
    set citus.propagate_set_commands to 'local'
    as $polarlens_body$
    begin
        set local hnsw.iterative_scan to 'relaxed_order';
        execute format('set local hnsw.ef_search to %s', ef_search);
    end
    $polarlens_body$;
    comment on function {{ name }} is
    'Internal: for the rest of the transaction, has every worker of Citus keep so many candidates a shard.';
    revoke all on function {{ name }} from public;
    grant execute on function {{ name }} to polarlens_reader, polar_ai_user, polar_ai_admin;
    {{ polarlens._only_on_coordinator('on') }}
    grant usage on schema {{ adapter.quote(polarlens._internal_schema()) }} to polarlens_reader, polar_ai_user, polar_ai_admin;
{%- endmacro %}


{#- Whether Citus passes DDL on to the workers. Search functions are of no use there; and before pgvector is loaded on a worker,
    only a superuser may name its settings in a function. -#}
{% macro _only_on_coordinator(propagation) -%}
    {{ 'set citus.enable_ddl_propagation to ' ~ propagation ~ ';' if polarlens._distributed() }}
{%- endmacro %}
