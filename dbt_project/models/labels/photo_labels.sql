-- The likeliest labels of every photo, for each set. Only photos and sets that changed are looked at again.
{{
    config(
        materialized='incremental',
        unique_key=['image_id', 'label_set'],
        on_schema_change='append_new_columns',
        indexes=[{'columns': ['image_id']}, {'columns': ['label_set', 'label']}],
        post_hook=[
            "delete from {{ this }} as t
            where t.image_id in (
                select image_id from {{ this }} except select image_id from {{ ref('image_embeddings') }}
            )",
            "delete from {{ this }} as t
            where not exists (select from {{ ref('stg_labels') }} as l where l.label_set = t.label_set)",
            "{{ polarlens.follow_row_security(this, ref('stg_image_paths'), 'image_id') }}"
        ]
    )
}}

with labels as materialized (

    select
        stg_labels.label_set,
        stg_labels.label,
        stg_labels.attributes,
        label_embeddings.embedding,
        -- Another label, prompt, attribute or model makes another set, whose probabilities are other ones.
        md5(string_agg(
            concat_ws(
                chr(31), stg_labels.label, stg_labels.attributes::text,
                label_embeddings.source_version::text, label_embeddings.model_fingerprint
            ), chr(30)
        ) over (
            partition by stg_labels.label_set order by stg_labels.label
            rows between unbounded preceding and unbounded following
        )) as set_version
    from {{ ref('stg_labels') }} as stg_labels
    inner join {{ ref('label_embeddings') }} as label_embeddings on stg_labels.label_id = label_embeddings.label_id
    -- While a change of model has reached only one of the two, what was found before stays.
    where (select {{ polarlens._spaces_agree(ref('image_embeddings'), ref('label_embeddings')) }})

),

{% if is_incremental() %}

    labelled as materialized (

        select
            image_id,
            label_set,
            version
        from {{ this }}

    ),

{% endif %}

scored as (

    select
        photos.image_id,
        labels.label_set,
        labels.label,
        labels.attributes,
        md5(concat_ws(chr(31), photos.source_version::text, photos.model_fingerprint, labels.set_version)) as version,
        1 - (photos.embedding <=> labels.embedding) as score
    from {{ ref('image_embeddings') }} as photos
    cross join labels
    {% if is_incremental() %}
        where not exists (
            select 1 from labelled
            where
                labelled.image_id = photos.image_id
                and labelled.label_set = labels.label_set
                and labelled.version
                = md5(concat_ws(chr(31), photos.source_version::text, photos.model_fingerprint, labels.set_version))
        )
    {% endif %}

),

probable as (

    {{
        polarlens._label_probabilities(
            'scored', '(select ' ~ function('logit_scale') ~ '(null))',
            keep=['attributes', 'version'], by=['image_id', 'label_set']
        )
    }}

)

select
    image_id,
    label_set,
    rank,
    label,
    score::real as score,
    probability::real as probability,
    attributes,
    version
from probable
where rank <= {{ var('labels_per_photo', 5) }}
