-- The nearest neighbours of every photo. Looked at again: photos that are new or changed, photos that have lost a
-- neighbour or have one that changed, and those near a new photo, which may be a better neighbour than they had.
{{
    config(
        materialized='incremental',
        unique_key='image_id',
        on_schema_change='append_new_columns',
        indexes=[{'columns': ['image_id']}, {'columns': ['neighbour_id']}],
        post_hook=[
            "delete from {{ this }} as t
            where t.image_id in (
                select image_id from {{ this }} except select image_id from {{ ref('image_embeddings') }}
            )",
            "delete from {{ this }} as t
            where t.neighbour_id in (
                select neighbour_id from {{ this }} except select image_id from {{ ref('image_embeddings') }}
            )",
            "{{ polarlens.follow_row_security(
                this, ref('stg_image_paths'), 'image_id', ['image_id', 'neighbour_id']
            ) }}"
        ]
    )
}}

{% set k = var('neighbours_per_photo', 10) | int %}

with photos as materialized (

    select
        image_id,
        md5(concat_ws(chr(31), source_version::text, model_fingerprint)) as version
    from {{ ref('image_embeddings') }}

),

{% if is_incremental() %}

    fresh as (

        select photos.*
        from photos
        where
            not exists (
                select from {{ this }} as known
                where known.image_id = photos.image_id and known.version = photos.version
            )
        order by photos.image_id
        limit {{ var('neighbours_per_run', 20000) }}

    ),

    lost_neighbours as (

        select distinct known.image_id
        from {{ this }} as known
        where not exists (
            select from photos
            where photos.image_id = known.neighbour_id and photos.version = known.neighbour_version
        )

    ),

    fresh_vectors as materialized (

        select vectors.embedding
        from fresh
        inner join {{ ref('image_embeddings') }} as vectors on fresh.image_id = vectors.image_id

    ),

    near_new_photos as (

        select distinct near.image_id
        from fresh_vectors
        cross join lateral {{ function('search_images_by_vector') }}(fresh_vectors.embedding, {{ 5 * k }}) as near

    ),

    photos_to_update as (

        select photos.*
        from photos
        where
            photos.image_id in (select fresh.image_id from fresh)
            or photos.image_id in (select lost_neighbours.image_id from lost_neighbours)
            or photos.image_id in (select near_new_photos.image_id from near_new_photos)

    ),

{% else %}

    photos_to_update as (

        select photos.*
        from photos
        order by photos.image_id
        limit {{ var('neighbours_per_run', 20000) }}

    ),

{% endif %}

wanted as materialized (

    select
        photos_to_update.image_id,
        photos_to_update.version,
        vectors.embedding
    from photos_to_update
    inner join {{ ref('image_embeddings') }} as vectors on photos_to_update.image_id = vectors.image_id

),

nearest as (

    select
        wanted.image_id,
        wanted.version,
        found.image_id as neighbour_id,
        found.score,
        (row_number() over (partition by wanted.image_id order by found.rank))::integer as rank
    from wanted
    -- One more than wanted: the photo itself.
    cross join lateral {{ function('search_images_by_vector') }}(wanted.embedding, {{ k + 1 }}) as found
    where found.image_id <> wanted.image_id

)

select
    nearest.image_id,
    nearest.rank,
    nearest.neighbour_id,
    nearest.score,
    nearest.version,
    photos.version as neighbour_version
from nearest
inner join photos on nearest.neighbour_id = photos.image_id
where nearest.rank <= {{ k }}
