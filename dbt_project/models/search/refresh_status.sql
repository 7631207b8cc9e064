-- The latest refresh of each embedding table. Calls no model.
with runs as (

    select
        *,
        row_number() over (partition by relation order by run_id desc) as place
    from {{ source('polarlens_runs', 'refresh_runs') }}

)

select
    relation,
    model_id,
    status,
    started_at,
    updated_at,
    finished_at,
    pending,
    embedded,
    unchanged,
    removed,
    failed,
    message
from runs
where place = 1
