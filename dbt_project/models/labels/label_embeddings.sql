-- The labels in the space of the text model; each embedded once.
{{ config(materialized='embedding', key='label_id', input='prompt', model=var('text_model'), distributed=false) }}

select
    label_id,
    prompt
from {{ ref('stg_labels') }}
