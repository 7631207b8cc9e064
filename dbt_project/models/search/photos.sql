-- What people and BI tools read: every photo, what is known of it, and how its embedding stands. Calls no model.
with paths as (

    select * from {{ ref('stg_image_paths') }}

),

embeddings as (

    select image_id from {{ ref('image_embeddings') }}

),

errors as (

    select
        source_key,
        message,
        attempts
    from {{ source('polarlens_runs', 'embedding_errors') }}
    where relation = '{{ ref("image_embeddings").schema }}.{{ ref("image_embeddings").identifier }}'

)

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
    errors.attempts as error_attempts,
    paths.title,
    paths.caption,
    paths.taken_at,
    paths.latitude,
    paths.longitude,
    paths.attributes
from paths
left join embeddings on paths.image_id = embeddings.image_id
left join errors on paths.image_id::text = errors.source_key
