{#- The HNSW index: built once after the first load, kept by every later run, built anew beside the old one when its options change. -#}
{% macro _build_index(settings, run) %}
    {% set name = settings.index_name if settings.work == settings.target else settings.next.identifier ~ '__hnsw' %}
    {% set beside = name ~ '_next' %}
    {% set schema = adapter.quote(settings.work.schema) %}
    {% set state = polarlens._query(
        "select
            (" ~ polarlens._index_options_sql(schema, name) ~ ") as options,
            to_regclass(" ~ polarlens._literal(schema ~ '.' ~ adapter.quote(beside)) ~ ") is not null as leftover"
    )[0] %}
    {% set filled = polarlens._query_value("select exists (select 1 from " ~ settings.work ~ ")") %}
    {% if state['leftover'] %}
        {#- A build that was killed leaves an index that nobody uses. -#}
        {% do polarlens._query("drop index " ~ schema ~ "." ~ adapter.quote(beside)) %}
    {% endif %}
    {% set wanted = polarlens._index_options(settings) %}
    {% if filled and state['options'] != wanted %}
        {% do polarlens._set_phase(run, 'indexing') %}
        {% do adapter.commit() %}
        {% do polarlens._run_outside_transaction("vacuum (index_cleanup off, analyze) " ~ settings.work) %}
        {% set started = modules.datetime.datetime.now() %}
        {% set memory = polarlens._size_index_memory(settings) %}
        {% do log(
            settings.relation ~ ': building the HNSW index (' ~ wanted ~ '; ' ~ memory
            ~ '); how far it is: select index_phase, index_percent from polarlens.refresh_status', info=True
        ) %}
        {% if state['options'] is none %}
            {% do polarlens._query(polarlens._create_index_sql(settings, name)) %}
        {% else %}
            {#- Searches use the old index until the new one is whole. -#}
            {% do polarlens._run_outside_transaction(
                "create index concurrently " ~ adapter.quote(beside) ~ polarlens._index_definition(settings)
            ) %}
            {% do polarlens._query(
                "do $polarlens_index$
                begin
                    drop index " ~ schema ~ "." ~ adapter.quote(name) ~ ";
                    alter index " ~ schema ~ "." ~ adapter.quote(beside) ~ " rename to " ~ adapter.quote(name) ~ ";
                end
                $polarlens_index$"
            ) %}
        {% endif %}
        {% do adapter.commit() %}
        {% do polarlens._query("reset maintenance_work_mem; reset max_parallel_maintenance_workers") %}
        {% do log(
            settings.relation ~ ': the HNSW index is built, in '
            ~ modules.datetime.timedelta(seconds=(modules.datetime.datetime.now() - started).total_seconds() | int), info=True
        ) %}
    {% endif %}
    {% do adapter.commit() %}
{% endmacro %}


{#- The options as one string, to compare and to print. -#}
{% macro _index_options(settings) -%}
    {{ return(settings.storage ~ '_' ~ settings.index.distance ~ '_ops, m=' ~ settings.index.m ~ ', ef_construction=' ~ settings.index.ef_construction) }}
{%- endmacro %}


{#- A query for the options of an index as it stands, none where there is none or where it was never finished. -#}
{% macro _index_options_sql(schema, name) -%}
    select o.opcname || ', ' || array_to_string(c.reloptions, ', ')
    from pg_class as c
    inner join pg_index as i on c.oid = i.indexrelid
    inner join pg_opclass as o on i.indclass[0] = o.oid
    where c.oid = to_regclass({{ polarlens._literal(schema ~ '.' ~ adapter.quote(name)) }}) and i.indisvalid
{%- endmacro %}


{% macro _index_definition(settings) -%}
    {{ ' ' }}on {{ settings.work }} using hnsw (embedding {{ settings.storage }}_{{ settings.index.distance }}_ops)
    with (m = {{ settings.index.m }}, ef_construction = {{ settings.index.ef_construction }})
{%- endmacro %}


{#- Room for the whole graph, as far as there is any: an HNSW index that outgrows its memory takes many times as long.
    A parallel build takes all of it at once. -#}
{% macro _size_index_memory(settings) %}
    {% set shape = polarlens._shape_of(settings) %}
    {% set found = polarlens._query(
        "with sizes as (
            select
                -- A vector with its header, its neighbours (2 m on the ground floor, 16 bytes each), and an element's own fields.
                (" ~ shape.rows ~ ") / " ~ shape.shards ~ "
                * (160 + " ~ ((settings.dimension or 1) * {'halfvec': 2, 'vector': 4, 'bit': 0.125}[settings.storage]) ~ " + " ~ settings.index.m ~ " * 2 * 16 * 1.2) / 1024 as needed,
                (select s.setting::float8 from pg_settings as s where s.name = 'maintenance_work_mem') as given,
                " ~ ("pg_size_bytes(" ~ polarlens._literal(settings.index.memory) ~ ") / 1024.0" if settings.index.memory
                    else "(select s.setting::float8 * 8 / 4 from pg_settings as s where s.name = 'effective_cache_size')") ~ " / " ~ shape.on_one_node ~ " as most
        )
        select
            set_config(
                'maintenance_work_mem', greatest(1024, least(greatest(given, needed * 1.1), greatest(most, given), 2147483647))::bigint || 'kB', false
            ) as memory,
            needed > greatest(most, given) as too_small, pg_size_pretty((needed * 1024)::bigint) as needed,
            current_setting('max_parallel_maintenance_workers') as workers
        from sizes"
    )[0] %}
    {% if found['too_small'] %}
        {% do exceptions.warn(
            settings.relation ~ ': the HNSW graph needs about ' ~ found['needed'] ~ ' and gets ' ~ found['memory']
            ~ ", so building it takes many times as long. Where the machine has the memory: index={'memory': '8GB'} in the model's config"
        ) %}
    {% endif %}
    {{ return('maintenance_work_mem ' ~ polarlens._query_value("select current_setting('maintenance_work_mem')") ~ (' a shard' if settings.distributed else '') ~ ', up to ' ~ found['workers'] ~ ' workers') }}
{% endmacro %}
