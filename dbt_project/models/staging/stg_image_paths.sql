-- The photos to embed: paths trimmed, blank ones left out; and what filters and people know of them.
with source as (

    select * from {{ source('polarlens', 'image_paths') }}

),

cleaned as (

    select
        image_id,
        btrim(path) as path,
        source_version,
        loaded_at,
        title,
        caption,
        taken_at,
        latitude,
        longitude,
        attributes
    from source
    where btrim(path) <> ''

)

select * from cleaned
