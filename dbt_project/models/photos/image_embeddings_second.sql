-- The photos in the space of a second, image-only model, for search by example: only where one is named.
-- dbt run --vars '{second_image_model: embedding/resnet,
--     more_spaces: [{images: image_embeddings_second, image_model: embedding/resnet}]}'
{{
    config(
        materialized='embedding',
        enabled=var('second_image_model', none) is not none,
        key='image_id',
        input='path',
        source_version='source_version',
        model=var('second_image_model', none),
        batch_size=var('batch_size', none),
        post_hook="{{ polarlens.follow_row_security(this, ref('stg_image_paths'), 'image_id') }}"
    )
}}

select
    image_id,
    path,
    source_version
from {{ ref('stg_image_paths') }}
