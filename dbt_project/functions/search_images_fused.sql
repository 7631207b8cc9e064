-- One ranking for each model, fused by reciprocal rank: scores of two spaces do not compare, ranks do.
declare
    v_model text;
    v_models text[] := coalesce(models, '{ {{- polarlens.spaces() | map(attribute="images") | join(",") -}} }');
    v_images bigint[] := '{}';
    v_ranks integer[] := '{}';
    v_depth integer;
begin
    {{ polarlens.check_query('query') }}
    {{ polarlens.check_search('k', 'ef_search') }}
    v_depth := least(10000, greatest(100, 4 * k));
    foreach v_model in array v_models loop
        select v_images || coalesce(array_agg(s.image_id order by s.rank), '{}'), v_ranks || coalesce(array_agg(s.rank order by s.rank), '{}')
        into v_images, v_ranks
        from {{ polarlens.search_function_name('search_images_by_vector') }}(
            {{ polarlens.search_function_name('query_vector') }}(query, v_model), v_depth, filters, null, v_model, ef_search
        ) as s;
    end loop;
    return query
    with fused as (
        select f.image_id, sum({{ polarlens.reciprocal_rank('f.place') }}) as fused_score
        from unnest(v_images, v_ranks) as f (image_id, place)
        group by f.image_id
        order by 2 desc, 1
        limit k
    )

    select
        (row_number() over (order by f.fused_score desc, f.image_id))::integer,
        f.image_id,
        f.fused_score::real{% for column in polarlens.photo_columns() %},
        d.{{ column }}{% endfor %}
    from fused as f
    inner join {{ ref('stg_image_paths') }} as d on f.image_id = d.image_id
    order by 1;
end
-- depends_on: {{ ref('image_embeddings') }}
