{#- Citus's part of a refresh: an embedding table distributed by its key, every shard with an HNSW index of its own.
    Without Citus each of these hooks does nothing, or what one machine needs.

    The refresh plans on the coordinator, in temporary tables, and changes the distributed table with plain statements:
    Citus takes no data-modifying CTE on one, and no full join with one. -#}

{#- Refuse a table in shards whose model says distributed=false. -#}
{% macro _citus_check_table(settings, table) %}
    {% if polarlens._distributed() and not settings.distributed and polarlens._in_shards(table) %}
        {% set name = table.schema ~ '.' ~ table.identifier %}
        {% set message = '%s is distributed by Citus, and its model says distributed=false. '
            ~ "To have it on the coordinator: select undistribute_table('%s');" %}
        {% do polarlens._raise_error(message | format(name, name)) %}
    {% endif %}
{% endmacro %}


{#- Return the relation with the keys and versions of the table: itself, or a copy on the coordinator. -#}
{% macro _citus_previous_rows(settings, plan) %}
    {% if not (settings.distributed and plan.table_exists) %}{{ return(plan.table) }}{% endif %}
    {% set previous = settings.temporary.previous %}
    {% call statement() %}
        drop table if exists {{ previous }};
        create temporary table {{ previous }} as
        select {{ settings.key }}, source_version from {{ plan.table }};
        analyze {{ previous }}
    {% endcall %}
    {{ return(previous) }}
{% endmacro %}


{#- Distribute the table as soon as its number of dimensions is known; what it holds already moves along. Return the
    relation that a batch is written to: the table, or a temporary one that _citus_write_buffer_sql empties into it. -#}
{% macro _citus_prepare_table(settings, plan) %}
    {% if not settings.distributed %}{{ return(plan.table) }}{% endif %}
    {% if plan.dimension and not polarlens._in_shards(plan.table) %}
        {% call statement() %}
            -- Loaded first and indexed afterwards, as any other table.
            drop index if exists {{ adapter.quote(plan.table.schema) }}.{{ adapter.quote(plan.index_name) }};
            select create_distributed_table(
                {{ polarlens._literal(plan.table) }}, {{ polarlens._literal(settings.key_name) }}
            );
            select truncate_local_data_after_distributing_table({{ polarlens._literal(plan.table) }}::regclass)
        {% endcall %}
        {% do log('%s: %s is distributed by %s in %s shards' | format(
            settings.relation, plan.table.identifier, settings.key_name,
            polarlens._row_and_shard_counts(settings, plan).shards
        ), info=True) %}
        {% do adapter.commit() %}
    {% endif %}
    {% set buffer = settings.temporary.batch_buffer %}
    {% call statement() %}
        drop table if exists {{ buffer }};
        create temporary table {{ buffer }} (like {{ plan.table }}, primary key ({{ settings.key }}))
    {% endcall %}
    {{ return(buffer) }}
{% endmacro %}


{#- PL/pgSQL that moves a batch from the buffer into the shards, in the batch's transaction. -#}
{% macro _citus_write_buffer_sql(settings, plan) -%}
{%- if settings.distributed -%}
insert into {{ plan.table }} ({{ settings.key }}, source_version, model_fingerprint, embedding)
select {{ settings.key }}, source_version, model_fingerprint, embedding from {{ plan.batch_buffer }}
{{ polarlens._on_conflict_replace(settings) }};
delete from {{ plan.batch_buffer }};
{%- endif -%}
{%- endmacro %}


{#- SQL that runs a CREATE INDEX. The shards' indexes are built at the same time, each with the memory that this session
    was given for one: Citus passes SET LOCAL on, from inside a block. -#}
{% macro _citus_create_index_sql(settings, create_index) -%}
{%- if settings.distributed -%}
{%- set memory = polarlens._query_value("select current_setting('maintenance_work_mem')") -%}
do $polarlens_index$
begin
    set local citus.propagate_set_commands to 'local';
    set local maintenance_work_mem to {{ polarlens._literal(memory) }};
    {{ create_index }};
end
$polarlens_index$
{%- else -%}
{{ create_index }}
{%- endif -%}
{%- endmacro %}


{#- PL/pgSQL without which Citus drops and makes no view in a transaction that has touched shards. -#}
{% macro _citus_sequential_sql(settings) -%}
    {{ "set local citus.multi_shard_modify_mode to 'sequential';" if settings.distributed }}
{%- endmacro %}


{#- Return how many rows the table has, and how many shards, in all and on the fullest node: each has an index. -#}
{% macro _row_and_shard_counts(settings, plan) %}
    {% if not settings.distributed %}
        {% set rows_sql %}
            select c.reltuples
            from pg_class as c
            where c.oid = {{ polarlens._literal(plan.table) }}::regclass
        {% endset %}
        {{ return({'rows': polarlens._query_value(rows_sql), 'shards': 1, 'shards_on_one_node': 1, 'unit': ''}) }}
    {% endif %}
    {% set counts_sql %}
        select
            (select count(*) from {{ plan.table }}) as rows,
            sum(n.shards)::integer as shards,
            max(n.shards)::integer as shards_on_one_node
        from (
            select count(*) as shards
            from pg_catalog.pg_dist_shard as s
            inner join pg_catalog.pg_dist_placement as p on s.shardid = p.shardid
            where s.logicalrelid = {{ polarlens._literal(plan.table) }}::regclass
            group by p.groupid
        ) as n
    {% endset %}
    {% set counts = polarlens._query(counts_sql)[0] %}
    {{ return({
        'rows': counts['rows'], 'shards': counts['shards'], 'shards_on_one_node': counts['shards_on_one_node'],
        'unit': ' a shard'
    }) }}
{% endmacro %}
