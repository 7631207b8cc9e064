-- The latest refresh of each embedding table, as polarlens.refresh_status has it. Calls no model.
select
    relation,
    model_id,
    status,
    started_at,
    updated_at,
    finished_at,
    total - done as pending,
    embedded,
    unchanged,
    removed,
    failed,
    message
from {{ source('polarlens_runs', 'refresh_status') }}
