select pg_try_advisory_lock(polarlens._refresh_lock_key('search.notes'));

with closed as (
    update polarlens.refresh_runs
    set status = 'failed', finished_at = updated_at, message = 'ended without a word: killed, or its server was'
    where relation = 'search.notes' and status = 'running'
)

insert into polarlens.refresh_runs (relation, model_id)
values ('search.notes', 'embedding/clip_text')
returning run_id;

commit;

select
    m.fingerprint,
    m.kind,
    m.dimension,
    m.request_size,
    set_config('polar.ai.http_timeout_msec', '60000', false) as request_timeout,
    set_config('polar.ai.retry_times', '3', false) as retry_times,
    set_config('polar.ai.retry_interval_msec', '1000', false) as retry_interval
from polarlens._embedding_model('embedding/clip_text') as m;

commit;

select
    bool_or(c.type = 'bytea'::regtype) as bytes,
    bool_or(c.type <> 'bytea'::regtype) as text
from (
    values
    (pg_typeof((
        select s."title"
        from (

select * from public.notes
        ) as s
        limit 0
    ))),
    (pg_typeof((
        select s."body"
        from (

select * from public.notes
        ) as s
        limit 0
    )))
) as c (type);

drop view if exists pg_temp."notes__sources";
create temporary view pg_temp."notes__sources" as
select
    s."note_id" as key,
    concat_ws(chr(10), nullif(btrim(s."title"::text), ''), nullif(btrim(s."body"::text), '')) as input,
    hashtextextended((coalesce(concat_ws(chr(10), nullif(btrim(s."title"::text), ''), nullif(btrim(s."body"::text), '')), '')) collate "C", 0) as source_version
from (

select * from public.notes
) as s;

drop table if exists pg_temp."notes__changes", pg_temp."notes__pending";
create temporary table pg_temp."notes__changes" as
select
    s.key,
    s.input,
    s.source_version,
    false as deleted,
    false as existing
from pg_temp."notes__sources" as s;

select
    (select count(*) from pg_temp."notes__sources") as sources,
    0::bigint as existing,
    count(*) filter (where not deleted and not existing) as new,
    count(*) filter (where deleted) as deleted,
    count(*) filter (where not deleted) as pending
from pg_temp."notes__changes";

select
    key::text as key,
    count(*) as sources
from pg_temp."notes__changes"
group by key
having key is null or count(*) > 1
limit 1;

with postponed as (
    delete from pg_temp."notes__changes" as c
    using polarlens.embedding_errors as e
    where e.relation = 'search.notes' and e.source_key = c.key::text
        and e.source_version = c.source_version::text and e.next_attempt_at > now() and not c.deleted
    returning 1
)

select count(*) from postponed;

select 1 as found
from polarlens.embedding_errors
where relation = 'search.notes'
limit 1;

commit;

create temporary table pg_temp."notes__pending" as
select
    case when not d.repeated then row_number() over (order by d.repeated, d.key) end as n,
    d.key,
    d.input,
    d.source_version,
    d.duplicate_of
from (
    select
        c.key,
        c.input,
        c.source_version,
        row_number() over same_input > 1 as repeated,
        first_value(c.key) over same_input as duplicate_of
    from pg_temp."notes__changes" as c
    where not c.deleted
    window same_input as (partition by c.source_version, c.input order by c.key)
) as d;
create unique index on pg_temp."notes__pending" (n);
analyze pg_temp."notes__pending";

select
    count(n) as asked,
    count(*) as total
from pg_temp."notes__pending";

update polarlens.refresh_runs
set phase = 'embedding', total = 4, pending = 4, removed = 0
where run_id = 1;

commit;

with batch as materialized (
    select
        row_number() over (order by p.n) as item,
        p.key,
        p.input,
        p.source_version
    from pg_temp."notes__pending" as p
    where p.n > 0 and p.n <= 1
)

select
    e.item,
    e.error ->> 'message' as message,
    vector_dims(e.embedding::vector) as dimension
from polarlens._embed_ahead(
    'embedding/clip_text',
    (select array_agg(b.input order by b.item) from batch as b),
    null, 8, null
) as e
order by e.embedding is null, e.item
limit 1;

select format_type(a.atttypid, a.atttypmod)
from pg_attribute as a
where a.attrelid = 'pg_temp."notes__pending"'::regclass and a.attname = 'key';

create table "polarlens"."search"."notes" (
    "note_id" bigint not null,
    source_version bigint not null,
    model_fingerprint text not null,
    embedding halfvec(4) not null,
    constraint "notes_pkey"
    primary key ("note_id") include (source_version)
);
alter table "polarlens"."search"."notes" alter column embedding set storage plain;
insert into polarlens.embedding_spaces as s (relation, model_id, model_fingerprint, storage, query_models)
values (
    'search.notes', 'embedding/clip_text',
    '0123456789abcdef', 'halfvec',
    polarlens._fingerprints(array['embedding/clip_text'])
)
on conflict (relation) do update set
    model_id = excluded.model_id, model_fingerprint = excluded.model_fingerprint,
    storage = excluded.storage, query_models = excluded.query_models, created_at = now();

commit;

select 1;

commit;

commit;

do $polarlens_batches$
declare
    v_first bigint := 0;
    v_last bigint;
    v_ahead bigint;
    v_size bigint := 64;
    v_next_size bigint;
    v_in_flight integer := 8;
    v_embedded bigint := 0;
    v_failed bigint := 0;
    v_fault text;
    v_counts record;
    v_rate numeric;
    v_left interval;
    v_line text;
    v_began constant timestamptz := clock_timestamp();
    v_until constant timestamptz := clock_timestamp() + interval '2 seconds';
begin
    loop
        v_last := least(v_first + v_size, 3);
        -- The next batch takes about two seconds, so that there is news even from a slow model; in whole requests.
        v_next_size := least(512, v_size * 2, (
            select 2 * v_first / extract(epoch from clock_timestamp() - v_began) where v_first > 0
        )::bigint);
        v_next_size := greatest(v_next_size - v_next_size % 32, 64);
        v_ahead := least(v_last + v_next_size, 3);

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
            ) as fault
        into strict v_counts;
        v_fault := v_counts.fault;


        update polarlens.refresh_runs
        set updated_at = clock_timestamp(), pending = 4 - v_last, embedded = v_embedded + v_counts.embedded, reused = 0,
            failed = v_failed + v_counts.failed, removed = 0, unchanged = 0
        where run_id = 1;
        if (select m.fingerprint from polarlens._embedding_model('embedding/clip_text') as m)
            is distinct from '0123456789abcdef' then
            rollback;
            v_fault := format(
                'model %s changed while it was embedding; what came of it meanwhile was dropped', 'embedding/clip_text'
            );
            exit;
        end if;
        commit;

        v_embedded := v_embedded + v_counts.embedded;
        v_failed := v_failed + v_counts.failed;
        v_first := v_last;
        v_size := v_next_size;
        exit when v_fault is not null or v_first >= 3 or clock_timestamp() > v_until;
        -- The refreshes that ask the same service share the requests that may be in flight.
        v_in_flight := greatest(1, 8 / greatest(1, (
            select count(*)
            from polarlens.refresh_status as r
            inner join polarlens.models as other on r.model_id = other.model_id
            inner join polarlens.models as ours
                on other.model_url = ours.model_url and ours.model_id = 'embedding/clip_text'
            where r.status = 'running' and r.phase = 'embedding'
        )));
    end loop;

    v_rate := v_first / nullif(extract(epoch from clock_timestamp() - v_began), 0)::numeric;
    v_left := make_interval(secs => coalesce(floor((3 - v_first) / nullif(v_rate, 0)), 0));
    v_line := format(
        '%s of %s, %s/s, %s left%s',
        v_first, 3, to_char(coalesce(v_rate, 0), 'FM999999999990.0'), to_char(v_left, 'FMHH24:MI:SS'),
        case when v_failed > 0 then format(', %s failed', v_failed) end
    );
    perform set_config('polarlens.batches', json_build_object(
        'done', v_first, 'size', v_size, 'in_flight', v_in_flight, 'embedded', v_embedded, 'failed', v_failed,
        'fault', v_fault, 'began', v_began, 'line', v_line
    )::text, false);
end
$polarlens_batches$;

select current_setting('polarlens.batches');

drop table if exists pg_temp."notes__duplicates";
create temporary table pg_temp."notes__duplicates" as

    select
        p.key,
        p.source_version,
        p.duplicate_of
    from pg_temp."notes__pending" as p
    inner join "polarlens"."search"."notes" as t
        on p.duplicate_of = t."note_id" and p.source_version = t.source_version
    where p.n is null;

select count(*) from pg_temp."notes__duplicates";

insert into "polarlens"."search"."notes" as w ("note_id", source_version, model_fingerprint, embedding)
select
    d.key,
    d.source_version,
    t.model_fingerprint,
    t.embedding
from pg_temp."notes__duplicates" as d
inner join "polarlens"."search"."notes" as t on d.duplicate_of = t."note_id"
on conflict ("note_id") do update set
    source_version = excluded.source_version,
    model_fingerprint = excluded.model_fingerprint,
    embedding = excluded.embedding;
delete from polarlens.embedding_errors as e
using pg_temp."notes__duplicates" as d
where e.relation = 'search.notes' and e.source_key = d.key::text;

with failed as (
    insert into polarlens.embedding_errors (
        relation, source_key, source_version, input, stage, message, sqlstate, attempts, next_attempt_at
    )
    select
        e.relation,
        p.key::text,
        e.source_version,
        e.input,
        e.stage,
        e.message,
        e.sqlstate,
        e.attempts,
        e.next_attempt_at
    from pg_temp."notes__pending" as p
    inner join polarlens.embedding_errors as e
        on e.relation = 'search.notes' and e.source_key = p.duplicate_of::text
            and e.source_version = p.source_version::text
    where p.n is null
    on conflict (relation, source_key) do update set
        source_version = excluded.source_version, input = excluded.input, stage = excluded.stage,
        message = excluded.message, sqlstate = excluded.sqlstate, attempts = excluded.attempts,
        last_failed_at = now(), next_attempt_at = excluded.next_attempt_at
    returning 1
)

select count(*) from failed;

update polarlens.refresh_runs
set updated_at = clock_timestamp(), pending = 0, embedded = 3, reused = 1,
    failed = 1, removed = 0, unchanged = 0
where run_id = 1;

commit;

select
    -- Nothing where there is no index, or an unfinished one.
    (
        select o.opcname || ', ' || array_to_string(c.reloptions, ', ')
        from pg_class as c
        inner join pg_index as i on c.oid = i.indexrelid
        inner join pg_opclass as o on i.indclass[0] = o.oid
        where c.oid = to_regclass('"search"."notes__hnsw"') and i.indisvalid
    ) as options,
    to_regclass('"search"."notes__hnsw_next"') is not null as leftover,
    (select count(*) from (select 1 from "polarlens"."search"."notes" limit 1) as t) > 0 as filled;

update polarlens.refresh_runs
set phase = 'indexing', total = 4, pending = 0, removed = 0
where run_id = 1;

commit;

select 1;

commit;

commit;

vacuum (index_cleanup off, analyze) "polarlens"."search"."notes";

select clock_timestamp()::text;

select c.reltuples
from pg_class as c
where c.oid = '"polarlens"."search"."notes"'::regclass;

with sizes as (
    select
        -- A vector with its header, its neighbours (2 m on the ground floor, 16 bytes each), and the fields of
        -- an element.
        3.0 / 1
        * (160 + 8 + 16 * 2 * 16 * 1.2) / 1024 as needed,
        (
            select s.setting::float8
            from pg_settings as s
            where s.name = 'maintenance_work_mem'
        ) as given,
        (
            select s.setting::float8 * 8 / 4
            from pg_settings as s
            where s.name = 'effective_cache_size'
        )
        / 1 as most
)

select
    set_config('maintenance_work_mem', greatest(
        1024, least(greatest(given, needed * 1.1), greatest(most, given), 2147483647)
    )::bigint || 'kB', false) as memory,
    needed > greatest(most, given) as too_small,
    pg_size_pretty((needed * 1024)::bigint) as needed,
    current_setting('max_parallel_maintenance_workers') as workers
from sizes;

select current_setting('maintenance_work_mem');

create index "notes__hnsw"
on "polarlens"."search"."notes" using hnsw (embedding halfvec_cosine_ops)
with (m = 16, ef_construction = 128);

commit;

reset maintenance_work_mem;
reset max_parallel_maintenance_workers;
select to_char(clock_timestamp() - '2026-01-01 00:00:00+00'::timestamptz, 'FMHH24:MI:SS');

commit;

update polarlens.refresh_runs
set
    status = 'succeeded',
    phase = 'done',
    pending = 0,
    updated_at = clock_timestamp(),
    finished_at = clock_timestamp()
where run_id = 1;

commit;

drop view if exists pg_temp."notes__sources";
drop table if exists
    pg_temp."notes__changes", pg_temp."notes__pending", pg_temp."notes__duplicates",
    pg_temp."notes__previous", pg_temp."notes__batch_buffer";
select pg_advisory_unlock(polarlens._refresh_lock_key('search.notes'));

commit;
