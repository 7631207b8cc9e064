-- The labels with what the model is asked for each.
select
    label_id,
    label_set,
    label,
    coalesce(nullif(btrim(prompt), ''), {{ polarlens._label_prompt('label') }}) as prompt,
    attributes
from {{ source('polarlens_search', 'labels') }}
