-- Runs as the owner: PostgreSQL shows another role's index build to members of pg_read_all_stats only.
create or replace function polarlens._index_progress() returns table (
    pid integer, phase text, done bigint, total bigint
)
language sql stable security definer
set search_path to pg_catalog, pg_temp
as $$
select
    p.pid,
    p.phase,
    -- pgvector counts tuples while it loads them; scans of the table are counted in blocks.
    case when p.tuples_total > 0 then p.tuples_done else p.blocks_done end,
    case when p.tuples_total > 0 then p.tuples_total else p.blocks_total end
from pg_stat_progress_create_index as p
where p.datid = (select d.oid from pg_database as d where d.datname = current_database())
$$;

comment on function polarlens._index_progress() is
'Internal: how far the index builds of this database are, for polarlens.refresh_status. Names no table.';
