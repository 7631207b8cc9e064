-- What people and BI tools read: every photo, what is known of it, and how its embedding stands. Calls no model.
-- No CTE, so that a join with a few photos reads only those.
select
    paths.image_id,
    paths.path,
    paths.loaded_at,
    case
        when errors.source_key is not null then 'failed'
        when embeddings.image_id is not null then 'embedded'
        else 'pending'
    end as embedding_state,
    errors.message as error_message,
    errors.attempts as error_attempts
    {%- for column in polarlens._photo_columns() if column.name != 'path' %},
    paths.{{ column.name }}
    {%- endfor %}
from {{ ref('stg_image_paths') }} as paths
left join {{ ref('image_embeddings') }} as embeddings on paths.image_id = embeddings.image_id
left join {{ source('polarlens_runs', 'embedding_errors') }} as errors
    on
        errors.relation = '{{ ref("image_embeddings").schema }}.{{ ref("image_embeddings").identifier }}'
        and paths.image_id::text = errors.source_key
