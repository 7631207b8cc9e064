-- What every search for photos ends in.
{{ polarlens._search_by_vector(
    'images', ref('stg_image_paths'), 'image_id', 'photo_filter',
    polarlens._photo_columns() | map(attribute='name') | list
) }}
