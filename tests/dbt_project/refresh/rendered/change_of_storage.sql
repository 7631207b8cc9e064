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

select
    t.typname as storage,
    -- Without a type modifier the number of dimensions is not known yet; that of bit is 1.
    case when a.atttypmod > 1 or (a.atttypmod = 1 and t.typname <> 'bit') then a.atttypmod end as dimension,
    (
        select format_type(k.atttypid, k.atttypmod)
        from pg_attribute as k
        where k.attrelid = a.attrelid and k.attname = 'note_id'
    ) as key_type,
    (
        select s.model_fingerprint
        from polarlens.embedding_spaces as s
        where s.relation = 'search.notes'
    ) as fingerprint
from pg_attribute as a
inner join pg_type as t on a.atttypid = t.oid
where a.attrelid = '"polarlens"."search"."notes"'::regclass and a.attname = 'embedding';

create table "polarlens"."search"."notes__next" (
    "note_id" bigint not null,
    source_version bigint not null,
    model_fingerprint text not null,
    embedding vector(4) not null,
    constraint "notes__next_pkey"
    primary key ("note_id") include (source_version)
);
alter table "polarlens"."search"."notes__next" alter column embedding set storage plain;
insert into polarlens.embedding_spaces as s (relation, model_id, model_fingerprint, storage, query_models)
values (
    'search.notes__next', 'embedding/clip_text',
    '0123456789abcdef', 'vector',
    polarlens._fingerprints(array['embedding/clip_text'])
)
on conflict (relation) do update set
    model_id = excluded.model_id, model_fingerprint = excluded.model_fingerprint,
    storage = excluded.storage, query_models = excluded.query_models, created_at = now();

insert into "polarlens"."search"."notes__next" ("note_id", source_version, model_fingerprint, embedding)
select
    "note_id",
    source_version,
    model_fingerprint,
    l2_normalize(embedding::vector)::vector
from "polarlens"."search"."notes";

update polarlens.embedding_spaces
set query_models = polarlens._fingerprints(array['embedding/clip_text'])
where relation = 'search.notes__next'
    and query_models is distinct from polarlens._fingerprints(array['embedding/clip_text']);

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
    coalesce(s.key, p."note_id") as key,
    s.input,
    s.source_version,
    s.source_version is null as deleted,
    p.source_version is not null as existing
from pg_temp."notes__sources" as s
full join "polarlens"."search"."notes__next" as p on s.key = p."note_id"
where s.source_version is null or p.source_version is null or s.source_version <> p.source_version;

select
    (select count(*) from pg_temp."notes__sources") as sources,
    (select count(*) from "polarlens"."search"."notes__next") as existing,
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

select array(
    select e.source_key
    from polarlens.embedding_errors as e
    where e.relation = 'search.notes'
    except
    select s.key::text
    from pg_temp."notes__sources" as s
)::text;

delete from polarlens.embedding_errors
where relation = 'search.notes' and source_key = any('{}'::text[]);

commit;

drop table if exists pg_temp."notes__duplicates";
create temporary table pg_temp."notes__duplicates" as

    with candidates as materialized (
        select
            c.key,
            c.input,
            c.source_version,
            p."note_id" as duplicate_of
        from pg_temp."notes__changes" as c
        inner join "polarlens"."search"."notes__next" as p on c.source_version = p.source_version
        where not c.deleted and c.key <> p."note_id"
    )

    select distinct on (c.key)
        c.key,
        c.source_version,
        c.duplicate_of
    from candidates as c
    inner join pg_temp."notes__sources" as s
        on c.duplicate_of = s.key and c.source_version = s.source_version and c.input is not distinct from s.input;

select count(*) from pg_temp."notes__duplicates";

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
set phase = 'embedding', total = 0, pending = 0, removed = 0
where run_id = 1;

commit;

update polarlens.refresh_runs
set updated_at = clock_timestamp(), pending = 0, embedded = 0, reused = 0,
    failed = 1, removed = 0, unchanged = 5
where run_id = 1;

commit;

select
    -- Nothing where there is no index, or an unfinished one.
    (
        select o.opcname || ', ' || array_to_string(c.reloptions, ', ')
        from pg_class as c
        inner join pg_index as i on c.oid = i.indexrelid
        inner join pg_opclass as o on i.indclass[0] = o.oid
        where c.oid = to_regclass('"search"."notes__next__hnsw"') and i.indisvalid
    ) as options,
    to_regclass('"search"."notes__next__hnsw_next"') is not null as leftover,
    (select count(*) from (select 1 from "polarlens"."search"."notes__next" limit 1) as t) > 0 as filled;

update polarlens.refresh_runs
set phase = 'indexing', total = 0, pending = 0, removed = 0
where run_id = 1;

commit;

select 1;

commit;

commit;

vacuum (index_cleanup off, analyze) "polarlens"."search"."notes__next";

select clock_timestamp()::text;

select c.reltuples
from pg_class as c
where c.oid = '"polarlens"."search"."notes__next"'::regclass;

with sizes as (
    select
        -- A vector with its header, its neighbours (2 m on the ground floor, 16 bytes each), and the fields of
        -- an element.
        5.0 / 1
        * (160 + 16 + 8 * 2 * 16 * 1.2) / 1024 as needed,
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

create index "notes__next__hnsw"
on "polarlens"."search"."notes__next" using hnsw (embedding vector_cosine_ops)
with (m = 8, ef_construction = 128);

commit;

reset maintenance_work_mem;
reset max_parallel_maintenance_workers;
select to_char(clock_timestamp() - '2026-01-01 00:00:00+00'::timestamptz, 'FMHH24:MI:SS');

commit;

update polarlens.refresh_runs
set phase = 'swapping', total = 0, pending = 0, removed = 0
where run_id = 1;

commit;

do $polarlens_swap$
begin

    perform polarlens._swap_table(
        '"polarlens"."search"."notes"'::regclass,
        '"polarlens"."search"."notes__next"'::regclass
    );
    alter index "search"."notes__next_pkey"
    rename to "notes_pkey";
    alter index if exists "search"."notes__next__hnsw"
    rename to "notes__hnsw";
    delete from polarlens.embedding_spaces where relation = 'search.notes';
    update polarlens.embedding_spaces
    set relation = 'search.notes'
    where relation = 'search.notes__next';
end
$polarlens_swap$;

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
