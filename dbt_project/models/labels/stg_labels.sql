-- The labels with what the model is asked for each.
with source as (

    select * from {{ source('polarlens_search', 'labels') }}

),

prompted as (

    select
        label_id,
        label_set,
        label,
        coalesce(nullif(btrim(prompt), ''), {{ polarlens.label_prompt('label') }}) as prompt,
        attributes
    from source

)

select * from prompted
