{#- Citus: an embedding table that is distributed by its key, every shard with an HNSW index of its own.

    The refresh plans on the coordinator, in temporary tables, and changes the distributed table with plain statements:
    Citus takes no data-modifying CTE on one, and no full join with one. -#}

{#- Whether embedding tables are distributed: the variable distributed, which is left out, or citus. -#}
{% macro _distributed() %}
    {%- set wanted = var('distributed', none) -%}
    {%- if wanted not in [none, 'citus'] -%}
        {{ exceptions.raise_compiler_error("the variable distributed is '" ~ wanted ~ "': leave it out, or say citus") }}
    {%- endif -%}
    {{ return(wanted == 'citus') }}
{% endmacro %}


{#- Stops the run where the variable asks for Citus and the database has none, and where the database has distributed tables and
    the variable says nothing: the search functions are made for the one or the other. -#}
{% macro _check_citus() %}
    {%- set installed = run_query("select pg_catalog.to_regclass('pg_catalog.pg_dist_partition') is not null").columns[0].values()[0] -%}
    {%- if polarlens._distributed() and not installed -%}
        {{ exceptions.raise_compiler_error(
            'the variable distributed is citus, and the database ' ~ target.database ~ ' has no Citus: `create extension citus` in it, on the '
            ~ 'coordinator and on every worker, and add the workers with citus_add_node(); or leave the variable out'
        ) }}
    {%- elif installed and not polarlens._distributed() -%}
        {%- set found = run_query(
            "select s.relation from polarlens.embedding_spaces as s
            inner join pg_catalog.pg_dist_partition as p on pg_catalog.to_regclass(s.relation)::oid = p.logicalrelid::oid
            order by s.relation limit 1"
        ).columns[0].values() -%}
        {%- if found | length > 0 -%}
            {{ exceptions.raise_compiler_error(
                found[0] ~ " is distributed by Citus, and this run is not told so. Set the variable: dbt run --vars '{distributed: citus}', or in "
                ~ "dbt_project.yml. To have it on one machine again: select undistribute_table('" ~ found[0] ~ "');"
            ) }}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}


{#- Whether Citus keeps the table in shards. Asked only where there is a Citus. -#}
{% macro _in_shards(table) %}
    {{ return(polarlens._query_value(
        "select exists (select from pg_catalog.pg_dist_partition where logicalrelid = to_regclass(" ~ polarlens._literal(table) ~ "))"
    )) }}
{% endmacro %}


{#- A model that is kept on the coordinator, and whose table is in shards from before. -#}
{% macro _check_not_in_shards(settings, table) %}
    {% if polarlens._distributed() and not settings.distributed and polarlens._in_shards(table) %}
        {{ exceptions.raise_database_error(
            table.schema ~ '.' ~ table.identifier ~ ' is distributed by Citus, and its model says distributed=false. To have it on the coordinator: '
            ~ "select undistribute_table('" ~ table.schema ~ '.' ~ table.identifier ~ "');"
        ) }}
    {% endif %}
{% endmacro %}


{#- Distributes the table as soon as the number of dimensions is known; what it holds already moves along. -#}
{% macro _distribute(settings) %}
    {% if settings.distributed and settings.dimension and not polarlens._in_shards(settings.work) %}
        {#- Loaded first and indexed afterwards, like any other table. -#}
        {% set index = settings.index_name if settings.work == settings.target else settings.next.identifier ~ '__hnsw' %}
        {% do polarlens._query("drop index if exists " ~ adapter.quote(settings.work.schema) ~ "." ~ adapter.quote(index)) %}
        {% do polarlens._query(
            "select create_distributed_table(" ~ polarlens._literal(settings.work) ~ ", " ~ polarlens._literal(settings.key) ~ ");
            select truncate_local_data_after_distributing_table(" ~ polarlens._literal(settings.work) ~ "::regclass)"
        ) %}
        {% do log(
            settings.relation ~ ': ' ~ settings.work.identifier ~ ' is distributed by ' ~ settings.key ~ ' in '
            ~ polarlens._shape_of(settings).shards ~ ' shards', info=True
        ) %}
        {% do adapter.commit() %}
    {% endif %}
{% endmacro %}


{#- SQL for the number of rows, and how many shards there are, and how many of them on the fullest node: each has an index. -#}
{% macro _shape_of(settings) %}
    {% if not settings.distributed %}
        {{ return({
            'rows': "select c.reltuples from pg_class as c where c.oid = " ~ polarlens._literal(settings.work) ~ "::regclass",
            'shards': 1, 'on_one_node': 1
        }) }}
    {% endif %}
    {% set found = polarlens._query(
        "select sum(n.shards)::integer as shards, max(n.shards)::integer as on_one_node
        from (
            select count(*) as shards
            from pg_catalog.pg_dist_shard as s
            inner join pg_catalog.pg_dist_placement as p on s.shardid = p.shardid
            where s.logicalrelid = " ~ polarlens._literal(settings.work) ~ "::regclass
            group by p.groupid
        ) as n"
    )[0] %}
    {{ return({
        'rows': polarlens._query_value("select count(*) from " ~ settings.work), 'shards': found['shards'], 'on_one_node': found['on_one_node']
    }) }}
{% endmacro %}


{#- The statement that builds an index. The shards' are built at the same time, each with the memory that this session was given
    for one: Citus passes SET LOCAL on, from inside a block. -#}
{% macro _create_index_sql(settings, name) -%}
    {%- set statement = "create index " ~ adapter.quote(name) ~ polarlens._index_definition(settings) -%}
    {%- if settings.distributed -%}
        do $polarlens_index$
        begin
            set local citus.propagate_set_commands to 'local';
            set local maintenance_work_mem to {{ polarlens._literal(polarlens._query_value("select current_setting('maintenance_work_mem')")) }};
            {{ statement }};
        end
        $polarlens_index$
    {%- else -%}
        {{ statement }}
    {%- endif -%}
{%- endmacro %}


{#- PL/pgSQL without which Citus drops and makes no view in a transaction that has touched shards. -#}
{% macro _one_connection_sql(settings) -%}
    {{ "set local citus.multi_shard_modify_mode to 'sequential';" if settings.distributed }}
{%- endmacro %}


{#- The keys and versions that the table holds: itself, or a copy on the coordinator, where sources are joined with it. -#}
{% macro _known_rows(settings) %}
    {% if not (settings.distributed and settings.work_exists) %}
        {{ return(settings.work) }}
    {% endif %}
    {% do polarlens._query(
        "drop table if exists " ~ settings.known_copy ~ ";
        create temporary table " ~ settings.known_copy.split('.')[1] ~ " as
        select " ~ adapter.quote(settings.key) ~ ", source_version from " ~ settings.work ~ ";
        analyze " ~ settings.known_copy
    ) %}
    {{ return(settings.known_copy) }}
{% endmacro %}


{#- Where a batch's statement writes: the table, or a temporary table from which write_landed_sql takes it there. -#}
{% macro _landing(settings) %}
    {% if not settings.distributed %}{{ return(settings.work) }}{% endif %}
    {% do polarlens._query(
        "drop table if exists " ~ settings.landing_copy ~ ";
        create temporary table " ~ settings.landing_copy.split('.')[1] ~ " (
            like " ~ settings.work ~ ", primary key (" ~ adapter.quote(settings.key) ~ ")
        )"
    ) %}
    {{ return(settings.landing_copy) }}
{% endmacro %}


{#- PL/pgSQL that takes what a batch has landed to the shards, in the batch's transaction. -#}
{% macro _write_landed_sql(settings) -%}
    {%- if settings.distributed -%}
        {%- set columns = adapter.quote(settings.key) ~ ', source_version, model_fingerprint, embedding' -%}
        insert into {{ settings.work }} ({{ columns }})
        select {{ columns }} from {{ settings.landing }}
        {{ polarlens._on_conflict_replace(adapter.quote(settings.key)) }};
        delete from {{ settings.landing }};
    {%- endif -%}
{%- endmacro %}
