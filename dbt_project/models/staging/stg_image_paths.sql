-- The photos to embed: paths trimmed, blank ones left out.
with source as (

    select * from {{ source('polarlens', 'image_paths') }}

),

cleaned as (

    select
        image_id,
        btrim(path) as path,
        source_version,
        loaded_at
    from source
    where btrim(path) <> ''

)

select * from cleaned
