{#- PL/pgSQL that sets ef_search on Citus's workers, and lets them go on where filters throw candidates away. -#}
{% macro _set_on_workers(ef_search) -%}
    perform {{ adapter.quote(polarlens._internal_schema()) }}.set_on_workers({{ ef_search }});
{%- endmacro %}


{#- DDL of the function that does. Citus passes on to the workers neither set_config() nor a function's SET clause, but
    SET LOCAL, where a nested statement runs it: hence a function of its own, called with PERFORM. -#}
{% macro _create_set_on_workers() -%}
    {%- set schema = adapter.quote(polarlens._internal_schema()) -%}
    {{ polarlens._create_missing_schema(polarlens._internal_schema()) }}
    {{ polarlens._only_on_coordinator('off') }}
    create or replace function {{ schema }}.set_on_workers(ef_search integer) returns void
    language plpgsql
    set search_path to pg_catalog, pg_temp
    set citus.propagate_set_commands to 'local'
    as $polarlens_body$
    begin
        set local hnsw.iterative_scan to 'relaxed_order';
        execute format('set local hnsw.ef_search to %s', ef_search);
    end
    $polarlens_body$;
    comment on function {{ schema }}.set_on_workers(integer) is
    'Internal: for the rest of the transaction, has every worker of Citus keep so many candidates a shard.';
    revoke all on function {{ schema }}.set_on_workers(integer) from public;
    grant execute on function {{ schema }}.set_on_workers(integer) to polarlens_reader, polar_ai_user, polar_ai_admin;
    {{ polarlens._only_on_coordinator('on') }}
    grant usage on schema {{ schema }} to polarlens_reader, polar_ai_user, polar_ai_admin;
{%- endmacro %}


{#- SQL that sets whether Citus passes DDL on to the workers. Search functions are of no use there; and before pgvector
    is loaded on a worker, only a superuser may name its settings in a function. -#}
{% macro _only_on_coordinator(propagation) -%}
    {{ 'set citus.enable_ddl_propagation to ' ~ propagation ~ ';' if polarlens._distributed() }}
{%- endmacro %}
