-- Zero-shot classification of the photos that pass the filters; the labels are embedded once, all in one call.
declare
    v_embeddings text;
begin
    {{ polarlens._check_search('k') }}
    v_embeddings := {{ polarlens._table_of_space('model', 'images') }};
    if v_embeddings is null then
        {{ polarlens._raise_unknown_space('model', 'images') | indent(4) }}
    end if;
    return query execute format($statement$
        with labels as materialized (
            select
                l.label,
                l.embedding
            from {{ polarlens._search_function_name('label_vectors') }}($1, $2) as l
        ),

        scored as (
            select
                d.image_id,
                d.path,
                l.label,
                1 - (e.embedding <=> l.embedding) as score
            from %s as e
            inner join {{ ref('stg_image_paths') }} as d on e.image_id = d.image_id
            cross join labels as l
            where true%s
        ),

        probable as (
            {{ polarlens._label_probabilities('scored', '$6', keep=['path']) | indent(8) }}
        )

        select
            p.image_id,
            p.rank,
            p.label,
            p.score::real,
            p.probability::real,
            p.path
        from probable as p
        where p.rank <= $3 and p.probability >= coalesce($5::real, 0)
        order by p.image_id, p.rank
    $statement$, v_embeddings, {{ polarlens._search_function_name('photo_filter') }}(filters))
    using labels, model, k, filters, min_probability, {{ polarlens._search_function_name('logit_scale') }}(model);
end
-- depends_on: {{ ref('image_embeddings') }}
