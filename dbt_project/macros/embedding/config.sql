{#- The settings of one embedding model: its config, checked, with defaults, and what is derived from them. -#}
{% macro embedding_config(target) %}
    {%- set settings = {
        'target': target,
        'relation': target.schema ~ '.' ~ target.identifier,
        'key': config.get('key'),
        'input': config.get('input'),
        'model': config.get('model'),
        'source_version': config.get('source_version'),
        'batch_size': config.get('batch_size') if config.get('batch_size') is not none else 256,
        'requests_in_flight': config.get('requests_in_flight') if config.get('requests_in_flight') is not none else 4,
        'request_timeout': config.get('request_timeout') if config.get('request_timeout') is not none else 60,
        'retry_times': config.get('retry_times') if config.get('retry_times') is not none else 3,
        'storage': config.get('storage', 'halfvec'),
        'index': config.get('index', {}),
        'error_policy': config.get('error_policy', 'record')
    } -%}
    {%- for name in ['key', 'input', 'model'] if not settings[name] -%}
        {{ exceptions.raise_compiler_error(model.name ~ ": an embedding model needs the config '" ~ name ~ "' (see the README, Embedding models)") }}
    {%- endfor -%}
    {%- if settings.storage not in ['halfvec', 'vector'] -%}
        {{ exceptions.raise_compiler_error(model.name ~ ": storage is '" ~ settings.storage ~ "', not halfvec or vector") }}
    {%- endif -%}
    {%- if settings.error_policy not in ['record', 'fail'] -%}
        {{ exceptions.raise_compiler_error(model.name ~ ": error_policy is '" ~ settings.error_policy ~ "', not record or fail") }}
    {%- endif -%}
    {%- for name, least, most in [
        ('batch_size', 1, 100000), ('requests_in_flight', 1, 64), ('request_timeout', 1, 100), ('retry_times', 0, 100)
    ] if settings[name] is not integer or settings[name] < least or settings[name] > most -%}
        {{ exceptions.raise_compiler_error(model.name ~ ': ' ~ name ~ ' is ' ~ settings[name] ~ ', not a whole number from ' ~ least ~ ' to ' ~ most) }}
    {%- endfor -%}
    {#- A name that no other table has, and short enough to take a suffix. -#}
    {%- set short = target.identifier if target.identifier | length <= 50 else target.identifier[:40] ~ '_' ~ local_md5(target.identifier)[:8] -%}
    {%- do settings.update({
        'pending': short ~ '__pending',
        'index_name': short ~ '__hnsw',
        'next': api.Relation.create(database=target.database, schema=target.schema, identifier=short ~ '__next', type='table'),
        'work': target
    }) -%}
    {{ return(settings) }}
{% endmacro %}


{#- Runs SQL inside dbt's transaction and returns its rows. (run_query opens none, so that nothing could be committed.) -#}
{% macro query(sql) %}
    {%- call statement('polarlens_query', fetch_result=True, auto_begin=True) %}{{ sql }}{% endcall -%}
    {{ return(load_result('polarlens_query').table.rows) }}
{% endmacro %}


{#- One value of a query's first row, or of the named column. -#}
{% macro query_value(sql, column=0) %}
    {%- set rows = polarlens.query(sql) -%}
    {{ return(rows[0][column] if rows | length > 0 else none) }}
{% endmacro %}


{#- A string as an SQL literal. -#}
{% macro literal(value) -%}
    {{ "'" ~ (value | string).replace("'", "''") ~ "'" }}
{%- endmacro %}
