{#- SQL for one batch, in one statement: every answer goes into the table or into the errors. Its variables are those of
    _batches_sql. -#}
{% macro _batch_sql(settings, plan) -%}
{%- set relation = polarlens._literal(settings.relation) -%}
with batch as materialized (
    {{ polarlens._batch_inputs(settings, plan, 'v_first', 'v_last') | indent(4) }}
),

-- The inputs of the next batch, so that the model has them while this one is written.
ahead as materialized (
    {{ polarlens._batch_inputs(settings, plan, 'v_last', 'v_ahead') | indent(4) }}
),

answers as materialized (
    select
        a.item,
        a.embedding,
        a.error
    from polarlens._embed_ahead(
        {{ polarlens._literal(settings.model) }},
        (select array_agg(b.input order by b.item) from batch as b),
        (select array_agg(b.input order by b.item) from ahead as b),
        v_in_flight, {{ plan.dimension or 'null' }}
    ) as a
),

vectors as materialized (
    select
        b.key,
        b.source_version,
        a.item,
        a.embedding::vector as embedding
    from answers as a
    inner join batch as b on a.item = b.item
    where a.error is null
),

written as (
    insert into {{ plan.batch_buffer }} as t ({{ settings.key }}, source_version, model_fingerprint, embedding)
    select
        v.key,
        v.source_version,
        {{ polarlens._literal(plan.fingerprint) }},
        {{ polarlens._to_storage_type('v.embedding', settings, plan.dimension) }}
    from vectors as v
    where vector_norm(v.embedding) > 0
    {{ polarlens._on_conflict_replace(settings) | indent(4) }}
    returning t.{{ settings.key }} as key
),

errors as (
    select
        b.key,
        b.source_version,
        b.input,
        coalesce(
            a.error,
            '{"stage": "response", "message": "the model returned an embedding of zeros", "sqlstate": "08P01"}'
        ) as error
    from batch as b
    inner join answers as a on b.item = a.item
    left join vectors as v on b.item = v.item
    where a.error is not null or vector_norm(v.embedding) = 0
),

failed as (
    insert into polarlens.embedding_errors as e (
        relation, source_key, source_version, input, stage, message, sqlstate, next_attempt_at
    )
    select
        {{ relation }},
        x.key::text,
        x.source_version::text,
        {%- if plan.bytes %}
        octet_length(x.input) || ' bytes',
        {%- else %}
        -- PolarDB's oss:// URLs hold a secret before their @.
        left(regexp_replace(x.input, '^oss:.*@', 'oss://', 'i'), 1000),
        {%- endif %}
        coalesce(x.error ->> 'stage', 'request'),
        x.error ->> 'message',
        x.error ->> 'sqlstate',
        -- An input without permission is tried again in the next run: it may have been granted by then.
        case when x.error ->> 'sqlstate' = '42501' then now() else now() + interval '1 minute' end
    from errors as x
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
    where e.relation = {{ relation }} and e.source_key = w.key::text
)

select
    (select count(*) from written) as embedded,
    (select count(*) from failed) as failed,
    (
        select a.error ->> 'message'
        from answers as a
        where a.item = 0
    ) as fault
{%- endmacro %}
