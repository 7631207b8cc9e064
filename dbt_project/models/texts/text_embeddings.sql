-- The texts in the space of the text model, which photos share.
{{
    config(
        materialized='embedding',
        key='text_id',
        input='content',
        source_version='source_version',
        model=var('text_model'),
        batch_size=var('batch_size', none),
        post_hook="{{ polarlens.follow_row_security(this, ref('stg_texts'), 'text_id') }}"
    )
}}

select
    text_id,
    content,
    source_version
from {{ ref('stg_texts') }}
