{#- Embeds what is pending, batch by batch, each committed, with a line of progress after each. -#}
{% macro embed_pending(settings, run) %}
    {% do run.update({'removed': settings.removed, 'pending': settings.total}) %}
    {% if settings.total > 0 and not settings.work_exists %}
        {% do polarlens.create_embedding_table(settings, run) %}
    {% endif %}
    {% set done = namespace(rows=0) %}
    {% for _ in range(0, settings.total, settings.batch_size) %}
        {% set counts = polarlens.query(polarlens.batch_sql(settings, done.rows, done.rows + settings.batch_size))[0] %}
        {% if counts['fault'] is not none %}
            {% do polarlens.fail_run(settings, run, counts['fault']) %}
        {% endif %}
        {% set done.rows = done.rows + counts['answered'] %}
        {% do run.update({
            'embedded': run.embedded + counts['embedded'], 'failed': run.failed + counts['failed'],
            'pending': settings.total - done.rows
        }) %}
        {% do polarlens.query(polarlens.progress_sql(run)) %}
        {% do adapter.commit() %}
        {% do polarlens.log_progress(settings, run, done.rows) %}
    {% endfor %}
    {#- What neither was embedded nor failed now: fresh, or waiting for its next attempt. -#}
    {% set waiting = polarlens.query_value(
        "select count(*) from polarlens.embedding_errors where relation = " ~ polarlens.literal(settings.relation)
    ) - run.failed %}
    {% do run.update({'unchanged': settings.sources - run.embedded - run.failed - waiting, 'failed': run.failed + waiting}) %}
    {% do polarlens.query(polarlens.progress_sql(run)) %}
    {% if not settings.work_exists and settings.total == 0 %}
        {% do polarlens.create_embedding_table(settings, run) %}
    {% endif %}
{% endmacro %}


{#- The table: narrow, its vectors inline. The primary key holds all that finding changes needs to read. -#}
{% macro create_embedding_table(settings, run) %}
    {% set dimension = polarlens.model_dimension(settings, run) %}
    {% set vector = settings.storage ~ ('(' ~ dimension ~ ')' if dimension else '') %}
    {% set key_type = polarlens.query_value(
        "select format_type(atttypid, atttypmod) from pg_attribute where attrelid = 'pg_temp." ~ settings.pending ~ "'::regclass and attname = 'key'"
    ) %}
    {% do polarlens.query(
        "create table " ~ settings.work ~ " (
            " ~ settings.key ~ " " ~ key_type ~ " not null,
            source_version uuid not null,
            model_fingerprint text not null,
            embedding " ~ vector ~ " not null,
            constraint " ~ adapter.quote(settings.work.identifier ~ '_pkey') ~ " primary key (" ~ settings.key ~ ") include (source_version)
        );
        alter table " ~ settings.work ~ " alter column embedding set storage plain"
    ) %}
    {% do adapter.commit() %}
{% endmacro %}


{#- The dimension that the registry declares, or that the first input the model can take comes back with. -#}
{% macro model_dimension(settings, run) %}
    {% set declared = polarlens.query_value(
        "select model_config ->> 'dimension' from polar_ai._ai_models where model_id = " ~ polarlens.literal(settings.model)
    ) %}
    {% if declared %}{{ return(declared | int) }}{% endif %}
    {% set found = namespace(dimension=none) %}
    {#- One input is enough, unless it is a bad one: what is asked here is asked again. -#}
    {% for first in [0] + range(1, settings.total, settings.batch_size) | list if found.dimension is none and first < settings.total %}
        {% set row = polarlens.query(
            "select e.item, e.error ->> 'message' as message, vector_dims(e.embedding::vector) as dimension
            from polar_ai._embed(" ~ polarlens.literal(settings.model) ~ ", (
                select array_agg(input order by n) from " ~ settings.pending ~ " where n > " ~ first ~ " and n <= " ~ (1 if first == 0 else first + settings.batch_size) ~ "
            ), " ~ settings.requests_in_flight ~ ") as e
            order by e.embedding is null limit 1"
        ) %}
        {% if row | length > 0 and row[0]['item'] == 0 %}
            {% do polarlens.fail_run(settings, run, row[0]['message']) %}
        {% endif %}
        {% set found.dimension = row[0]['dimension'] if row | length > 0 else none %}
    {% endfor %}
    {{ return(found.dimension) }}
{% endmacro %}


{#- One batch in one statement: the model is called once for it, and every answer lands in the table or in the errors. -#}
{% macro batch_sql(settings, first, last) %}
with batch as materialized (
    select row_number() over (order by p.n) as item, p.key, p.input, p.source_version
    from {{ settings.pending }} as p
    where p.n > {{ first }} and p.n <= {{ last }}
),

answers as materialized (
    select a.item, a.embedding, a.error
    from polar_ai._embed(
        {{ polarlens.literal(settings.model) }}, (select array_agg(b.input order by b.item) from batch as b),
        {{ settings.requests_in_flight }}
    ) as a
),

written as (
    insert into {{ settings.work }} as t ({{ settings.key }}, source_version, model_fingerprint, embedding)
    select b.key, b.source_version, {{ polarlens.literal(settings.fingerprint) }}, l2_normalize(a.embedding::vector)
    from answers as a
    inner join batch as b on a.item = b.item
    where a.error is null
    on conflict ({{ settings.key }}) do update set
        source_version = excluded.source_version,
        model_fingerprint = excluded.model_fingerprint,
        embedding = excluded.embedding
    returning t.{{ settings.key }} as key
),

failed as (
    insert into polarlens.embedding_errors as e (
        relation, source_key, source_version, input, stage, message, sqlstate, next_attempt_at
    )
    select
        {{ polarlens.literal(settings.relation) }}, b.key::text, b.source_version::text, left(b.input, 1000),
        coalesce(a.error ->> 'stage', 'request'), a.error ->> 'message', a.error ->> 'sqlstate',
        -- What is not allowed yet is tried as soon as it is.
        case when a.error ->> 'sqlstate' = '42501' then now() else now() + interval '1 minute' end
    from answers as a
    inner join batch as b on a.item = b.item
    where a.error is not null
    on conflict (relation, source_key) do update set
        source_version = excluded.source_version,
        input = excluded.input,
        stage = excluded.stage,
        message = excluded.message,
        sqlstate = excluded.sqlstate,
        attempts = case when e.source_version = excluded.source_version then e.attempts + 1 else 1 end,
        last_failed_at = now(),
        -- 1, 2, 4 … minutes, up to a day.
        next_attempt_at = case when excluded.sqlstate = '42501' then now() else now() + interval '1 minute' * least(
            1440, 2 ^ least(11, case when e.source_version = excluded.source_version then e.attempts else 0 end)
        ) end
    returning 1
),

cleared as (
    delete from polarlens.embedding_errors as e
    using written as w
    where e.relation = {{ polarlens.literal(settings.relation) }} and e.source_key = w.key::text
)

select
    (select count(*) from batch) as answered,
    (select count(*) from written) as embedded,
    (select count(*) from failed) as failed,
    (select a.error ->> 'message' from answers as a where a.item = 0) as fault
{% endmacro %}


{% macro progress_sql(run) -%}
    update polarlens.refresh_runs
    set updated_at = clock_timestamp(), pending = {{ run.pending }}, embedded = {{ run.embedded }},
        failed = {{ run.failed }}, removed = {{ run.removed }}, unchanged = {{ run.unchanged }}
    where run_id = {{ run.run_id }}
{%- endmacro %}


{#- done of total, rate, time left, errors. -#}
{% macro log_progress(settings, run, done) %}
    {% set seconds = (modules.datetime.datetime.now() - run.started).total_seconds() %}
    {% set rate = done / seconds if seconds > 0 else 0 %}
    {% set left = ((settings.total - done) / rate) | int if rate > 0 else 0 %}
    {% do log(
        settings.relation ~ ': ' ~ done ~ ' of ' ~ settings.total ~ ', ' ~ '%.1f' | format(rate) ~ '/s, '
        ~ modules.datetime.timedelta(seconds=left) ~ ' left'
        ~ (', ' ~ run.failed ~ ' failed' if run.failed > 0 else ''), info=True
    ) %}
{% endmacro %}
