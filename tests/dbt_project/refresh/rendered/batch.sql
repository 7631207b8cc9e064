with batch as materialized (
    select
        row_number() over (order by p.n) as item,
        p.key,
        p.input,
        p.source_version
    from pg_temp."notes__pending" as p
    where p.n > v_first and p.n <= v_last
),

-- The inputs of the next batch, so that the model has them while this one is written.
ahead as materialized (
    select
        row_number() over (order by p.n) as item,
        p.key,
        p.input,
        p.source_version
    from pg_temp."notes__pending" as p
    where p.n > v_last and p.n <= v_ahead
),

answers as materialized (
    select
        a.item,
        a.embedding,
        a.error
    from polarlens._embed_ahead(
        'embedding/clip_text',
        (select array_agg(b.input order by b.item) from batch as b),
        (select array_agg(b.input order by b.item) from ahead as b),
        v_in_flight, 4
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
    insert into "polarlens"."search"."notes" as t ("note_id", source_version, model_fingerprint, embedding)
    select
        v.key,
        v.source_version,
        '0123456789abcdef',
        l2_normalize(v.embedding)::halfvec
    from vectors as v
    where vector_norm(v.embedding) > 0
    on conflict ("note_id") do update set
        source_version = excluded.source_version,
        model_fingerprint = excluded.model_fingerprint,
        embedding = excluded.embedding
    returning t."note_id" as key
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
        'search.notes',
        x.key::text,
        x.source_version::text,
        -- PolarDB's oss:// URLs hold a secret before their @.
        left(regexp_replace(x.input, '^oss:.*@', 'oss://', 'i'), 1000),
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
    where e.relation = 'search.notes' and e.source_key = w.key::text
)

select
    (select count(*) from written) as embedded,
    (select count(*) from failed) as failed,
    (
        select a.error ->> 'message'
        from answers as a
        where a.item = 0
    ) as fault;
