{#- Whether embedding tables are distributed: the variable distributed, which is left out, or citus. -#}
{% macro _distributed() %}
    {%- set wanted = var('distributed', none) -%}
    {%- if wanted not in [none, 'citus'] -%}
        {%- set message = "the variable distributed is '%s': leave it out, or say citus" -%}
        {{ exceptions.raise_compiler_error(message | format(wanted)) }}
    {%- endif -%}
    {{ return(wanted == 'citus') }}
{% endmacro %}


{#- Stop the run where the variable asks for Citus and the database has none, and where the database has distributed
    tables and the variable says nothing: the search functions are made for the one or the other. -#}
{% macro _check_citus() %}
    {%- set installed_sql -%}
        select pg_catalog.to_regclass('pg_catalog.pg_dist_partition') is not null
    {%- endset -%}
    {%- set installed = run_query(installed_sql).columns[0].values()[0] -%}
    {%- if polarlens._distributed() and not installed -%}
        {%- set message = 'the variable distributed is citus, and the database %s has no Citus: '
            ~ '`create extension citus` in it, on the coordinator and on every worker, and add the workers with '
            ~ 'citus_add_node(); or leave the variable out' -%}
        {{ exceptions.raise_compiler_error(message | format(target.database)) }}
    {%- elif installed and not polarlens._distributed() -%}
        {%- set relation_sql -%}
            select s.relation
            from polarlens.embedding_spaces as s
            inner join pg_catalog.pg_dist_partition as p
                on pg_catalog.to_regclass(s.relation)::oid = p.logicalrelid::oid
            order by s.relation
            limit 1
        {%- endset -%}
        {%- for relation in run_query(relation_sql).columns[0].values() -%}
            {%- set message = '%s is distributed by Citus, and this run is not told so. Set the variable: '
                ~ "dbt run --vars '{distributed: citus}', or in dbt_project.yml. To have it on one machine again: "
                ~ "select undistribute_table('%s');" -%}
            {{ exceptions.raise_compiler_error(message | format(relation, relation)) }}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}


{#- Whether Citus keeps the table in shards. Asked only where there is a Citus. -#}
{% macro _in_shards(table) %}
    {% set in_shards_sql %}
        select exists (
            select from pg_catalog.pg_dist_partition where logicalrelid = to_regclass({{ polarlens._literal(table) }})
        )
    {% endset %}
    {{ return(polarlens._query_value(in_shards_sql)) }}
{% endmacro %}
