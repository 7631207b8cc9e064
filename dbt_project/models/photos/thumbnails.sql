-- A small JPEG of every embedded photo, for dashboards: so many a run, the newest first. Photos whose bytes changed
-- get a new one; a photo that none can be made of keeps a row that says why. Calls no model.
-- PolarDB's own extension makes none: there are no rows where it is in use.
{{
    config(
        materialized='incremental',
        unique_key='image_id',
        on_schema_change='append_new_columns',
        indexes=[{'columns': ['image_id'], 'unique': true}],
        pre_hook="set local polar.ai.http_timeout_msec = 10000; set local polar.ai.retry_times = 1",
        post_hook=[
            "delete from {{ this }} as t
            where t.image_id in (
                select image_id from {{ this }} except select image_id from {{ ref('image_embeddings') }}
            )",
            "{{ polarlens.follow_row_security(this, ref('stg_image_paths'), 'image_id') }}"
        ]
    )
}}

{% set size = var('thumbnail_size', 240) | int %}

with embeddings as materialized (

    select
        image_id,
        source_version
    from {{ ref('image_embeddings') }}

),

due as (

    select
        photos.image_id,
        photos.path,
        row_number() over (order by photos.image_id desc) as item,
        -- Of which bytes and size this is; another one is made again.
        embeddings.source_version::text || '/{{ size }}' as version
    from {{ ref('stg_image_paths') }} as photos
    -- What is embedded has been read before: no run hangs on photos out of reach.
    inner join embeddings on photos.image_id = embeddings.image_id
    {% if is_incremental() %}
        where not exists (
            select from {{ this }} as made
            where made.image_id = photos.image_id and made.version = embeddings.source_version::text || '/{{ size }}'
        )
    {% endif %}
    order by photos.image_id desc
    limit {{ var('thumbnails_per_run', 500) | int }}

),

made as (

    -- Side by side; what ai_thumbnail raises, this returns: one photo's error is not the others'.
    select
        thumbnails.item,
        thumbnails.content,
        thumbnails.error
    from polarlens._thumbnails((select array_agg(due.path order by due.item) from due), {{ size }}) as thumbnails

)

select
    due.image_id,
    'data:image/jpeg;base64,' || translate(encode(made.content, 'base64'), chr(10), '') as data_url,
    made.error ->> 'message' as error_message,
    due.version
from due
inner join made on due.item = made.item
