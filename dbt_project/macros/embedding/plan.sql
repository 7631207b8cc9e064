{#- The model as registered, and the bounds of this session's calls to it. -#}
{% macro find_model(settings) %}
    {% set found = polarlens.query("select fingerprint from polar_ai._model(" ~ polarlens.literal(settings.model) ~ ")") %}
    {% do settings.update({'fingerprint': found[0][0]}) %}
    {% do polarlens.query(
        "select set_config('polar.ai.http_timeout_msec', '" ~ settings.request_timeout * 1000 ~ "', false),
            set_config('polar.ai.retry_times', '" ~ settings.retry_times ~ "', false),
            set_config('polar.ai.retry_interval_msec', '1000', false)"
    ) %}
    {#- Rows of another model are another space: the new one is built beside it, and swapped in when it is whole. -#}
    {% set existing = load_relation(settings.target) %}
    {% if existing is not none and not existing.is_table %}
        {{ exceptions.raise_database_error(settings.relation ~ ' exists and is not a table: drop it, or give the model another name') }}
    {% endif %}
    {% if existing is not none and polarlens.query_value(
        "select exists (select from " ~ settings.target ~ " where model_fingerprint <> " ~ polarlens.literal(settings.fingerprint) ~ ")"
    ) %}
        {% do log(settings.relation ~ ': the model changed; building the new space beside the old one', info=True) %}
        {% do settings.update({'work': settings.next}) %}
        {#- What an earlier model began and never finished is of no use. -#}
        {% if load_relation(settings.next) is not none and polarlens.query_value(
            "select exists (select from " ~ settings.next ~ " where model_fingerprint <> " ~ polarlens.literal(settings.fingerprint) ~ ")"
        ) %}
            {% do polarlens.query("drop table " ~ settings.next) %}
        {% endif %}
    {% endif %}
    {% do settings.update({'work_exists': load_relation(settings.work) is not none}) %}
{% endmacro %}


{#- The sources with the hash that says whether an embedding is of this version of this input. -#}
{% macro sources_sql(settings, sql) -%}
    select
        s.{{ settings.key }} as key,
        s.{{ settings.input }}::text as input,
        md5(coalesce(s.{{ settings.input }}::text, '')
            {%- if settings.source_version %} || chr(31) || coalesce(s.{{ settings.source_version }}::text, ''){% endif %})::uuid as source_version
    from ({{ sql }}) as s
{%- endmacro %}


{#- Lists what is new or changed, once: in a temporary table, in the order of the keys, without what is waiting to be tried again. -#}
{% macro find_work(settings, sql) %}
    {% do polarlens.query("drop table if exists pg_temp." ~ settings.pending) %}
    {% do polarlens.query(
        "create temporary table " ~ settings.pending ~ " as
        select row_number() over (order by s.key) as n, s.key, s.input, s.source_version
        from (" ~ polarlens.sources_sql(settings, sql) ~ ") as s
        left join polarlens.embedding_errors as e
            on e.relation = " ~ polarlens.literal(settings.relation) ~ " and e.source_key = s.key::text
            and e.source_version = s.source_version::text and e.next_attempt_at > now()"
        ~ ("
        left join " ~ settings.work ~ " as t
            on t." ~ settings.key ~ " = s.key and t.source_version = s.source_version" if settings.work_exists else "")
        ~ "
        where e.source_key is null" ~ (" and t." ~ settings.key ~ " is null" if settings.work_exists else "")
    ) %}
    {% set wrong = polarlens.query(
        "select key::text, count(*) from " ~ settings.pending ~ " group by key having key is null or count(*) > 1 limit 1"
    ) %}
    {% if wrong | length > 0 %}
        {{ exceptions.raise_database_error(
            settings.relation ~ ': the key ' ~ settings.key ~ ' is not unique or is NULL in the sources (for example '
            ~ wrong[0][0] ~ '): every source needs a key of its own'
        ) }}
    {% endif %}
    {% do polarlens.query("create unique index on " ~ settings.pending ~ " (n)") %}
    {% do polarlens.query("analyze " ~ settings.pending) %}
    {% set counts = polarlens.query(
        "select (select count(*) from " ~ settings.pending ~ "), (select count(*) from (" ~ sql ~ ") as s)"
    ) %}
    {% do settings.update({'total': counts[0][0], 'sources': counts[0][1]}) %}
{% endmacro %}


{#- Removed sources lose their embeddings and their errors. -#}
{% macro remove_gone(settings, sql) %}
    {% set removed = namespace(count=0) %}
    {% if settings.work_exists %}
        {% set removed.count = polarlens.query_value(
            "with gone as (
                delete from " ~ settings.work ~ " as t
                where not exists (select from (" ~ sql ~ ") as s where s." ~ settings.key ~ " = t." ~ settings.key ~ ")
                returning 1
            )
            select count(*) from gone"
        ) %}
    {% endif %}
    {% do polarlens.query(
        "delete from polarlens.embedding_errors as e
        where e.relation = " ~ polarlens.literal(settings.relation) ~ "
            and not exists (select from (" ~ sql ~ ") as s where s." ~ settings.key ~ "::text = e.source_key)"
    ) %}
    {% do adapter.commit() %}
    {% do settings.update({'removed': removed.count}) %}
{% endmacro %}
