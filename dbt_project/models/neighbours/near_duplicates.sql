-- Pairs of photos that are all but the same, each once. Calls no model.
with pairs as (

    select
        least(image_id, neighbour_id) as image_id,
        greatest(image_id, neighbour_id) as duplicate_id,
        max(score) as score
    from {{ ref('photo_neighbours') }}
    where score >= {{ var('near_duplicate_score', 0.97) }}
    group by 1, 2

),

photos as (

    select
        image_id,
        path
    from {{ ref('stg_image_paths') }}

)

select
    pairs.image_id,
    pairs.duplicate_id,
    pairs.score,
    photos.path,
    duplicates.path as duplicate_path
from pairs
inner join photos on pairs.image_id = photos.image_id
inner join photos as duplicates on pairs.duplicate_id = duplicates.image_id
