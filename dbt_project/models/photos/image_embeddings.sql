-- The photos in the space of the image model: what `dbt run` keeps fresh.
{{
    config(
        materialized='embedding',
        key='image_id',
        input='path',
        source_version='source_version',
        model=var('image_model'),
        batch_size=var('batch_size', none),
        post_hook="{{ polarlens.follow_row_security(this, ref('stg_image_paths'), 'image_id') }}"
    )
}}

select
    image_id,
    path,
    source_version
from {{ ref('stg_image_paths') }}
