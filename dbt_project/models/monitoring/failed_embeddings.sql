-- What could not be embedded, why, and when it is tried again. Calls no model.
select
    relation,
    source_key,
    input,
    stage,
    message,
    attempts,
    first_failed_at,
    last_failed_at,
    next_attempt_at
from {{ source('polarlens_runs', 'embedding_errors') }}
