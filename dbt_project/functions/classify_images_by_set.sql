-- As classify_images, with a set of the table polarlens.labels, whose vectors `dbt run` keeps; calls no model.
begin
    {{ polarlens._check_search('k') }}
    if not exists (
        select from {{ ref('stg_labels') }} as l
        inner join {{ ref('label_embeddings') }} as e on l.label_id = e.label_id
        where l.label_set = classify_images_by_set.label_set
    ) then
        raise exception 'there is no embedded label in the set %', coalesce(classify_images_by_set.label_set, 'NULL')
        using errcode = 'no_data_found',
        hint = 'insert into polarlens.labels (label_set, label, attributes) values (…), then dbt run.';
    end if;
    perform {{ polarlens._spaces_agree(
        ref('image_embeddings'), ref('label_embeddings'), true, polarlens._search_function_name('spaces_agree')
    ) }};
    return query execute format($statement$
        with labels as materialized (
            select
                l.label,
                l.attributes,
                v.embedding
            from {{ ref('stg_labels') }} as l
            inner join {{ ref('label_embeddings') }} as v on l.label_id = v.label_id
            where l.label_set = $1
        ),

        scored as (
            select
                d.image_id,
                d.path,
                l.label,
                l.attributes,
                1 - (e.embedding <=> l.embedding) as score
            from {{ ref('image_embeddings') }} as e
            inner join {{ ref('stg_image_paths') }} as d on e.image_id = d.image_id
            cross join labels as l
            where true%s
        ),

        probable as (
            {{ polarlens._label_probabilities('scored', '$2', keep=['path', 'attributes']) | indent(8) }}
        )

        select
            p.image_id,
            p.rank,
            p.label,
            p.score::real,
            p.probability::real,
            p.attributes,
            p.path
        from probable as p
        where p.rank <= $3 and p.probability >= coalesce($5::real, 0)
        order by p.image_id, p.rank
    $statement$, {{ polarlens._search_function_name('photo_filter') }}(filters))
    using label_set, {{ polarlens._search_function_name('logit_scale') }}(null), k, filters, min_probability;
end
