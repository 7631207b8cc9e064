{{ config(materialized='embedding', key='note_id', input='body', model='embedding/clip_text') }}
select note_id, body from {{ ref('notes') }}
