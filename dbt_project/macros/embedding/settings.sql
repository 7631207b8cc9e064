{#- Return the settings of one embedding model: its config, checked, and the names derived from it. -#}
{% macro _embedding_settings(target) %}
    {%- set options = {
        'key': none, 'input': none, 'model': none, 'source_version': none, 'batch_size': 1024, 'requests_in_flight': 8,
        'request_timeout': 60, 'retry_times': 3, 'storage': 'halfvec', 'index': {}, 'error_policy': 'record',
        'max_removed': 0.5, 'distributed': true
    } -%}
    {%- for name in options | list -%}
        {#- dbt v2 takes a config of a package's own under meta only. -#}
        {%- set value = config.meta_get(name) if config.meta_get(name) is not none else config.get(name) -%}
        {%- if value is not none -%}{%- do options.update({name: value}) -%}{%- endif -%}
    {%- endfor -%}
    {%- for name in ['key', 'input', 'model'] if not options[name] -%}
        {%- set message = "%s: an embedding model needs the config '%s' (see the README, Embedding models)" -%}
        {{ exceptions.raise_compiler_error(message | format(model.name, name)) }}
    {%- endfor -%}
    {%- if options.storage not in ['halfvec', 'vector', 'bit'] -%}
        {%- set message = "%s: storage is '%s', not halfvec, vector or bit" -%}
        {{ exceptions.raise_compiler_error(message | format(model.name, options.storage)) }}
    {%- endif -%}
    {%- set policy = options.error_policy -%}
    {%- if policy not in ['record', 'fail'] and not (policy is number and policy >= 0 and policy <= 1) -%}
        {%- set message = "%s: error_policy is '%s', not record, fail, "
            ~ 'or the share of the sources that may fail (0 to 1)' -%}
        {{ exceptions.raise_compiler_error(message | format(model.name, policy)) }}
    {%- endif -%}
    {%- if options.max_removed is not number or options.max_removed < 0 or options.max_removed > 1 -%}
        {%- set message = '%s: max_removed is %s, not a share from 0 to 1' -%}
        {{ exceptions.raise_compiler_error(message | format(model.name, options.max_removed)) }}
    {%- endif -%}
    {%- for name, least, most in [
        ('batch_size', 1, 100000), ('requests_in_flight', 1, 64), ('request_timeout', 1, 100), ('retry_times', 0, 100)
    ] if options[name] is not integer or options[name] < least or options[name] > most -%}
        {%- set message = '%s: %s is %s, not a whole number from %s to %s' -%}
        {{ exceptions.raise_compiler_error(message | format(model.name, name, options[name], least, most)) }}
    {%- endfor -%}
    {%- set index = polarlens._index_settings(options.storage, options.index) -%}

    {#- Temporary names: no other table has them, and they are short enough to take a suffix. -#}
    {%- set long = target.identifier | length > 45 -%}
    {%- set short = target.identifier[:35] ~ '_' ~ local_md5(target.identifier)[:8] if long else target.identifier -%}
    {%- set temporary = {} -%}
    {%- for name in ['sources', 'changes', 'pending', 'duplicates', 'previous', 'batch_buffer'] -%}
        {%- do temporary.update({name: 'pg_temp.' ~ adapter.quote(short ~ '__' ~ name)}) -%}
    {%- endfor -%}
    {%- set next = api.Relation.create(
        database=target.database, schema=target.schema, identifier=short ~ '__next', type='table'
    ) -%}
    {{ return({
        'target': target,
        'relation': target.schema ~ '.' ~ target.identifier,
        'index_name': short ~ '__hnsw',
        'next': next,
        'next_relation': next.schema ~ '.' ~ next.identifier,
        'next_index_name': next.identifier ~ '__hnsw',
        'temporary': temporary,
        'key': adapter.quote(options.key),
        'key_name': options.key,
        'inputs': [options.input] if options.input is string else options.input | list,
        'source_version': options.source_version,
        'model': options.model,
        'storage': options.storage,
        'index': index,
        'batch_size': options.batch_size,
        'requests_in_flight': options.requests_in_flight,
        'request_timeout': options.request_timeout,
        'retry_times': options.retry_times,
        'error_policy': policy,
        'max_removed': options.max_removed,
        'distributed': polarlens._distributed() and options.distributed
    }) }}
{% endmacro %}


{#- Return the index's options, checked, with their defaults. 'distance' has to fit the storage: bits have no angle.
    ef_construction is twice pgvector's: at 64, some searches among near-equal photos find none of the nearest ten. -#}
{% macro _index_settings(storage, options) %}
    {%- set distances = ['hamming', 'jaccard'] if storage == 'bit' else ['cosine', 'ip', 'l2'] -%}
    {%- set index = {'m': 16, 'ef_construction': none, 'distance': distances[0], 'memory': none} -%}
    {%- do index.update(options) -%}
    {%- for name in index if name not in ['m', 'ef_construction', 'distance', 'memory'] -%}
        {%- set message = "%s: index has no option '%s'; it has m, ef_construction, distance and memory" -%}
        {{ exceptions.raise_compiler_error(message | format(model.name, name)) }}
    {%- endfor -%}
    {%- if index.distance not in distances -%}
        {%- set message = "%s: index distance is '%s', not %s (storage %s)" -%}
        {{ exceptions.raise_compiler_error(
            message | format(model.name, index.distance, distances | join(' or '), storage)
        ) }}
    {%- endif -%}
    {%- if index.ef_construction is none and index.m is integer -%}
        {%- do index.update({'ef_construction': [128, 2 * index.m] | max}) -%}
    {%- endif -%}
    {%- if index.m is not integer or index.m < 2 or index.m > 100
        or index.ef_construction is not integer
        or index.ef_construction < 2 * index.m or index.ef_construction > 1000 -%}
        {%- set message = '%s: index m has to be 2 to 100, and ef_construction from 2 m to 1000' -%}
        {{ exceptions.raise_compiler_error(message | format(model.name)) }}
    {%- endif -%}
    {{ return(index) }}
{% endmacro %}
