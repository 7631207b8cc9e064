-- Shows the state of every embedding table and of its latest refresh, also while another session refreshes it.
create or replace view polarlens.refresh_status as
with latest as (
    select distinct on (r.relation)
        r.*,
        greatest(0.001, extract(epoch from r.updated_at - r.started_at))::double precision as seconds
    from polarlens.refresh_runs as r
    order by r.relation asc, r.run_id desc
),

-- A refresh holds its table's lock for as long as its session lives.
alive as (
    select
        l.pid,
        (l.classid::bigint << 32) | l.objid::bigint as lock_key
    from pg_catalog.pg_locks as l
    inner join pg_catalog.pg_database as d on l.database = d.oid
    where l.locktype = 'advisory' and l.objsubid = 1 and l.granted and d.datname = current_database()
),

errors as (
    select
        e.relation,
        count(*) as number
    from polarlens.embedding_errors as e
    group by e.relation
)

select
    r.relation,
    r.run_id,
    case
        when r.status <> 'running' then r.status
        when a.pid is not null then 'running'
        else 'died'
    end as status,
    r.phase,
    r.total - r.pending as done,
    r.total,
    round(((r.total - r.pending) / r.seconds)::numeric, 1) as per_second,
    case
        when r.status = 'running' and a.pid is not null and r.pending > 0 and r.pending < r.total
            then make_interval(secs => round(r.pending * r.seconds / (r.total - r.pending)))
    end as time_left,
    r.embedded,
    r.reused,
    r.unchanged,
    r.removed,
    r.failed,
    coalesce(e.number, 0) as errors,
    i.phase as index_phase,
    round(100.0 * i.done / nullif(i.total, 0), 1) as index_percent,
    r.model_id,
    r.started_at,
    r.updated_at,
    r.finished_at,
    r.message,
    r.pending
from latest as r
left join errors as e on r.relation = e.relation
left join alive as a
    on
        r.backend_pid = a.pid and r.status = 'running'
        and a.lock_key = polarlens._refresh_lock_key(r.relation)
left join polarlens._index_progress() as i on a.pid = i.pid;

comment on view polarlens.refresh_status is
'The latest refresh of every embedding table: done of total, rate, time left, errors, the index build, and whether it
is still alive (status died: killed; the next refresh goes on from there). In psql: table polarlens.refresh_status
\watch 1';
comment on column polarlens.refresh_status.relation is 'The embedding table (schema.name).';
comment on column polarlens.refresh_status.run_id is 'The run in polarlens.refresh_runs, which keeps the past ones.';
comment on column polarlens.refresh_status.status is 'running, succeeded, failed, or died (its session is gone).';
comment on column polarlens.refresh_status.phase is 'planning, embedding, indexing, swapping or done.';
comment on column polarlens.refresh_status.done is 'Sources dealt with by this run, of total.';
comment on column polarlens.refresh_status.total is 'Sources that were new or changed when the run began.';
comment on column polarlens.refresh_status.per_second is 'Sources dealt with per second.';
comment on column polarlens.refresh_status.time_left is 'At this rate; NULL when nothing is under way.';
comment on column polarlens.refresh_status.embedded is 'Sources embedded by this run, the reused ones included.';
comment on column polarlens.refresh_status.reused is 'Of these, how many took the embedding of an identical input.';
comment on column polarlens.refresh_status.unchanged is 'Sources that were fresh already.';
comment on column polarlens.refresh_status.removed is 'Embeddings removed because their source is gone.';
comment on column polarlens.refresh_status.failed is 'Sources that failed in this run or wait for their next attempt.';
comment on column polarlens.refresh_status.errors is 'Rows of polarlens.embedding_errors for this table.';
comment on column polarlens.refresh_status.index_phase is 'What the build of the HNSW index is doing, while it runs.';
comment on column polarlens.refresh_status.index_percent is 'How much of that phase is done.';
comment on column polarlens.refresh_status.model_id is 'The registered model that embeds.';
comment on column polarlens.refresh_status.started_at is 'When the run started.';
comment on column polarlens.refresh_status.updated_at is 'When its last batch was committed.';
comment on column polarlens.refresh_status.finished_at is 'When it ended; NULL while it runs.';
comment on column polarlens.refresh_status.message is 'Why it failed.';
comment on column polarlens.refresh_status.pending is 'Sources that this run has still to embed.';

revoke all on polarlens.refresh_status from public;
-- polarlens_reader reads search.refresh_status, which selects from this view.
grant select on polarlens.refresh_status to polar_ai_user, polar_ai_admin, polarlens_reader;
