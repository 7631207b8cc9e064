-- The photos to embed: paths trimmed, blank ones left out; and what filters and people know of them.
-- No CTE: PostgreSQL sees through a view only without one, and searches join this one row by row.
select
    image_id,
    btrim(path) as path,
    source_version,
    loaded_at
    {%- for column in polarlens._photo_columns() if column.name != 'path' %},
    {{ column.name }}
    {%- endfor %}
from {{ source('polarlens', 'image_paths') }}
where btrim(path) <> ''
