-- Zero-shot classification of a photo that need not be in the collection; one call to each model.
begin
    {{ polarlens._check_query('photo', 'photo') }}
    return query
    with labels as materialized (
        select
            l.label,
            l.embedding
        from {{ polarlens._search_function_name('label_vectors') }}(labels, model) as l
    ),

    this_photo as materialized (
        select {{ polarlens._search_function_name('photo_vector') }}(photo, model) as embedding
    ),

    scored as (
        select
            1 as image_id,
            l.label,
            1 - ((select t.embedding from this_photo as t) <=> l.embedding) as score
        from labels as l
    ),

    probable as (
        {%- set scale = polarlens._search_function_name('logit_scale') ~ '(model)' %}
        {{ polarlens._label_probabilities('scored', scale) | indent(4) }}
    )

    select
        p.rank,
        p.label,
        p.score::real,
        p.probability::real
    from probable as p
    order by p.rank;
end
-- depends_on: {{ ref('image_embeddings') }}
