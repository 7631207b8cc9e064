{#- Build the HNSW index after the first load, and again, beside the old one, when its options change. -#}
{% macro _build_index(settings, plan, run) %}
    {% set index = settings.index %}
    {% set schema = adapter.quote(plan.table.schema) %}
    {% set name = adapter.quote(plan.index_name) %}
    {% set beside = adapter.quote(plan.index_name ~ '_next') %}
    {% set operator_class = '%s_%s_ops' | format(settings.storage, index.distance) %}
    {% set options = '%s, m=%s, ef_construction=%s' | format(operator_class, index.m, index.ef_construction) %}
    {% set definition %}
        on {{ plan.table }} using hnsw (embedding {{ operator_class }})
        with (m = {{ index.m }}, ef_construction = {{ index.ef_construction }})
    {% endset %}
    {% set state_sql %}
        select
            -- Nothing where there is no index, or an unfinished one.
            (
                select o.opcname || ', ' || array_to_string(c.reloptions, ', ')
                from pg_class as c
                inner join pg_index as i on c.oid = i.indexrelid
                inner join pg_opclass as o on i.indclass[0] = o.oid
                where c.oid = to_regclass({{ polarlens._literal(schema ~ '.' ~ name) }}) and i.indisvalid
            ) as options,
            to_regclass({{ polarlens._literal(schema ~ '.' ~ beside) }}) is not null as leftover,
            (select count(*) from (select 1 from {{ plan.table }} limit 1) as t) > 0 as filled
    {% endset %}
    {% set state = polarlens._query(state_sql)[0] %}
    {% if state['leftover'] %}
        {#- A build that was killed leaves an index that nothing uses. -#}
        {% call statement() %}drop index {{ schema }}.{{ beside }}{% endcall %}
    {% endif %}
    {% if state['filled'] and state['options'] != options %}
        {% do polarlens._set_phase(run, 'indexing') %}
        {% do polarlens._run_outside_transaction('vacuum (index_cleanup off, analyze) ' ~ plan.table) %}
        {% set began = polarlens._query_value('select clock_timestamp()::text') %}
        {% set memory = polarlens._size_index_memory(settings, plan) %}
        {% set line = '%s: building the HNSW index (%s; %s); how far it is: '
            ~ 'select index_phase, index_percent from polarlens.refresh_status' %}
        {% do log(line | format(settings.relation, options, memory), info=True) %}
        {% if state['options'] is none %}
            {% call statement() %}
                {{ polarlens._citus_create_index_sql(settings, 'create index ' ~ name ~ definition) }}
            {% endcall %}
        {% else %}
            {#- Searches use the old index until the new one is whole. -#}
            {% do polarlens._run_outside_transaction('create index concurrently ' ~ beside ~ definition) %}
            {% call statement() %}
                do $polarlens_index$
                begin
                    drop index {{ schema }}.{{ name }};
                    alter index {{ schema }}.{{ beside }} rename to {{ name }};
                end
                $polarlens_index$
            {% endcall %}
        {% endif %}
        {% do adapter.commit() %}
        {% set finished_sql %}
            reset maintenance_work_mem;
            reset max_parallel_maintenance_workers;
            select to_char(clock_timestamp() - {{ polarlens._literal(began) }}::timestamptz, 'FMHH24:MI:SS')
        {% endset %}
        {% set duration = polarlens._query_value(finished_sql) %}
        {% do log('%s: the HNSW index is built, in %s' | format(settings.relation, duration), info=True) %}
    {% endif %}
    {% do adapter.commit() %}
{% endmacro %}


{#- Give the session room for the whole graph, as far as there is any: an HNSW index that outgrows its memory takes many
    times as long. A parallel build takes all of it at once. Return what it was given, in words. -#}
{% macro _size_index_memory(settings, plan) %}
    {% set counts = polarlens._row_and_shard_counts(settings, plan) %}
    {% set vector_bytes = (plan.dimension or 1) * {'halfvec': 2, 'vector': 4, 'bit': 0.125}[settings.storage] %}
    {% set memory_sql %}
        with sizes as (
            select
                -- A vector with its header, its neighbours (2 m on the ground floor, 16 bytes each), and the fields of
                -- an element.
                {{ counts.rows }} / {{ counts.shards }}
                * (160 + {{ vector_bytes }} + {{ settings.index.m }} * 2 * 16 * 1.2) / 1024 as needed,
                (
                    select s.setting::float8
                    from pg_settings as s
                    where s.name = 'maintenance_work_mem'
                ) as given,
                {%- if settings.index.memory %}
                pg_size_bytes({{ polarlens._literal(settings.index.memory) }}) / 1024.0
                {%- else %}
                (
                    select s.setting::float8 * 8 / 4
                    from pg_settings as s
                    where s.name = 'effective_cache_size'
                )
                {%- endif %}
                / {{ counts.shards_on_one_node }} as most
        )

        select
            set_config('maintenance_work_mem', greatest(
                1024, least(greatest(given, needed * 1.1), greatest(most, given), 2147483647)
            )::bigint || 'kB', false) as memory,
            needed > greatest(most, given) as too_small,
            pg_size_pretty((needed * 1024)::bigint) as needed,
            current_setting('max_parallel_maintenance_workers') as workers
        from sizes
    {% endset %}
    {% set memory = polarlens._query(memory_sql)[0] %}
    {% if memory['too_small'] %}
        {% set warning = '%s: the HNSW graph needs about %s and gets %s, so building it takes many times as long. '
            ~ "Where the machine has the memory: index={'memory': '8GB'} in the model's config" %}
        {% do exceptions.warn(warning | format(settings.relation, memory['needed'], memory['memory'])) %}
    {% endif %}
    {{ return('maintenance_work_mem %s%s, up to %s workers' | format(
        polarlens._query_value("select current_setting('maintenance_work_mem')"),
        counts.unit, memory['workers']
    )) }}
{% endmacro %}
