-- A second space for polarlens's photos: see more_spaces.
{{
    config(
        materialized='embedding', key='image_id', input='path', model='embedding/clip_image', storage=var('photo_storage', 'vector')
    )
}}
select image_id, path from {{ ref('polarlens', 'stg_image_paths') }}
