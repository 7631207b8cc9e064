{#- The settings of one embedding model: its config, checked, with defaults, and what is derived from them. -#}
{% macro _embedding_config(target) %}
    {%- set defaults = {
        'key': none, 'input': none, 'model': none, 'source_version': none, 'batch_size': 1024, 'requests_in_flight': 8,
        'request_timeout': 60, 'retry_times': 3, 'storage': 'halfvec', 'index': {}, 'error_policy': 'record',
        'max_removed': 0.5, 'distributed': true
    } -%}
    {%- set settings = {'target': target, 'relation': target.schema ~ '.' ~ target.identifier} -%}
    {%- for name, value in defaults.items() -%}
        {%- do settings.update({name: config.get(name) if config.get(name) is not none else value}) -%}
    {%- endfor -%}
    {%- for name in ['key', 'input', 'model'] if not settings[name] -%}
        {{ exceptions.raise_compiler_error(model.name ~ ": an embedding model needs the config '" ~ name ~ "' (see the README, Embedding models)") }}
    {%- endfor -%}
    {%- if settings.storage not in ['halfvec', 'vector', 'bit'] -%}
        {{ exceptions.raise_compiler_error(model.name ~ ": storage is '" ~ settings.storage ~ "', not halfvec, vector or bit") }}
    {%- endif -%}
    {%- set policy = settings.error_policy -%}
    {%- if policy not in ['record', 'fail'] and not (policy is number and policy >= 0 and policy <= 1) -%}
        {{ exceptions.raise_compiler_error(model.name ~ ": error_policy is '" ~ policy ~ "', not record, fail, or the share of the sources that may fail (0 to 1)") }}
    {%- endif -%}
    {%- if settings.max_removed is not number or settings.max_removed < 0 or settings.max_removed > 1 -%}
        {{ exceptions.raise_compiler_error(model.name ~ ': max_removed is ' ~ settings.max_removed ~ ', not a share from 0 to 1') }}
    {%- endif -%}
    {%- for name, least, most in [
        ('batch_size', 1, 100000), ('requests_in_flight', 1, 64), ('request_timeout', 1, 100), ('retry_times', 0, 100)
    ] if settings[name] is not integer or settings[name] < least or settings[name] > most -%}
        {{ exceptions.raise_compiler_error(model.name ~ ': ' ~ name ~ ' is ' ~ settings[name] ~ ', not a whole number from ' ~ least ~ ' to ' ~ most) }}
    {%- endfor -%}
    {#- A name that no other table has, and short enough to take a suffix. -#}
    {%- set short = target.identifier if target.identifier | length <= 45 else target.identifier[:35] ~ '_' ~ local_md5(target.identifier)[:8] -%}
    {%- do settings.update({
        'inputs': [settings.input] if settings.input is string else settings.input | list,
        'index': polarlens._index_config(settings),
        'sources': 'pg_temp.' ~ adapter.quote(short ~ '__sources'),
        'changes': 'pg_temp.' ~ adapter.quote(short ~ '__changes'),
        'pending': 'pg_temp.' ~ adapter.quote(short ~ '__pending'),
        'twins': 'pg_temp.' ~ adapter.quote(short ~ '__twins'),
        'known_copy': 'pg_temp.' ~ adapter.quote(short ~ '__known'),
        'landing_copy': 'pg_temp.' ~ adapter.quote(short ~ '__landing'),
        'distributed': polarlens._distributed() and settings.distributed,
        'index_name': short ~ '__hnsw',
        'next': api.Relation.create(database=target.database, schema=target.schema, identifier=short ~ '__next', type='table'),
        'work': target
    }) -%}
    {{ return(settings) }}
{% endmacro %}


{#- The index's options with their defaults. 'distance' has to fit the storage: bits have no angle. ef_construction is
    twice pgvector's: at 64, some searches among near-equal photos find none of the nearest ten. -#}
{% macro _index_config(settings) %}
    {%- set allowed = ['hamming', 'jaccard'] if settings.storage == 'bit' else ['cosine', 'ip', 'l2'] -%}
    {%- set index = {'m': 16, 'ef_construction': none, 'distance': allowed[0], 'memory': none} -%}
    {%- do index.update(settings.index) -%}
    {%- for name in index if name not in ['m', 'ef_construction', 'distance', 'memory'] -%}
        {{ exceptions.raise_compiler_error(model.name ~ ": index has no option '" ~ name ~ "'; it has m, ef_construction, distance and memory") }}
    {%- endfor -%}
    {%- if index.distance not in allowed -%}
        {{ exceptions.raise_compiler_error(model.name ~ ": index distance is '" ~ index.distance ~ "', not " ~ allowed | join(' or ') ~ ' (storage ' ~ settings.storage ~ ')') }}
    {%- endif -%}
    {%- if index.ef_construction is none and index.m is integer -%}
        {%- do index.update({'ef_construction': [128, 2 * index.m] | max}) -%}
    {%- endif -%}
    {%- if index.m is not integer or index.m < 2 or index.m > 100
        or index.ef_construction is not integer or index.ef_construction < 2 * index.m or index.ef_construction > 1000 -%}
        {{ exceptions.raise_compiler_error(model.name ~ ': index m has to be 2 to 100, and ef_construction from 2 m to 1000') }}
    {%- endif -%}
    {{ return(index) }}
{% endmacro %}


{#- Runs SQL inside dbt's transaction and returns its rows. (run_query opens none, so that nothing could be committed.) -#}
{% macro _query(sql) %}
    {%- call statement('polarlens_query', fetch_result=True, auto_begin=True) %}{{ sql }}{% endcall -%}
    {{ return(load_result('polarlens_query').table.rows) }}
{% endmacro %}


{#- One value of a query's first row, or of the named column. -#}
{% macro _query_value(sql, column=0) %}
    {%- set rows = polarlens._query(sql) -%}
    {{ return(rows[0][column] if rows | length > 0 else none) }}
{% endmacro %}


{#- Runs a statement that PostgreSQL wants outside a transaction (VACUUM, CREATE INDEX CONCURRENTLY). -#}
{% macro _run_outside_transaction(sql) %}
    {#- dbt refuses to commit where it has begun nothing. -#}
    {%- do polarlens._query('select 1') -%}
    {%- do adapter.commit() -%}
    {#- dbt's own commit is followed by psycopg's begin; this one is not. -#}
    {%- call statement('polarlens_commit', auto_begin=False) %}commit{% endcall -%}
    {%- call statement('polarlens_outside', auto_begin=False) %}{{ sql }}{% endcall -%}
{% endmacro %}


{#- A string as an SQL literal. -#}
{% macro _literal(value) -%}
    {{ "'" ~ (value | string).replace("'", "''") ~ "'" }}
{%- endmacro %}


{#- The schema of the functions that call models: polar_ai, or polarlens where PolarDB's own extension is kept. -#}
{% macro _runtime() -%}
    {{ return(var('runtime_schema', 'polar_ai')) }}
{%- endmacro %}
