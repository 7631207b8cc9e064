-- The texts to embed; blank ones left out. No CTE, for the reason of stg_image_paths.
select
    text_id,
    btrim(content) as content,
    source_version,
    loaded_at
from {{ source('polarlens', 'texts') }}
where btrim(content) <> ''
