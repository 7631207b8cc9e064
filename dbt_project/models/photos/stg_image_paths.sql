-- The photos to embed: paths trimmed, blank ones left out; and what filters and people know of them.
-- No CTE: PostgreSQL sees through a view only without one, and searches join this one row by row.
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
from {{ source('polarlens', 'image_paths') }}
where btrim(path) <> ''
