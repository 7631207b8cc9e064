-- The texts to embed, blank ones left out.
with source as (

    select * from {{ source('polarlens', 'texts') }}

),

cleaned as (

    select
        text_id,
        content,
        source_version,
        loaded_at
    from source
    where btrim(content) <> ''

)

select * from cleaned
