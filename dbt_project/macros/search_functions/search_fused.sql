{#- The body of a search in several spaces: one ranking for each, fused by reciprocal rank, as scores of two spaces do not
    compare. `ranking` is the search in the space v_model, v_depth deep; `needs` what a space must have to take part. -#}
{% macro _search_fused(ranking, details, needs='images', check='') -%}
declare
    v_model text;
    v_models text[] := coalesce(models, '{ {{- polarlens._spaces() | selectattr(needs) | map(attribute="images") | join(",") -}} }');
    v_images bigint[] := '{}';
    v_ranks integer[] := '{}';
    v_depth integer;
begin
    {{ check }}
    {{ polarlens._check_search('k', 'ef_search') }}
    v_depth := least(10000, greatest(100, 4 * k));
    foreach v_model in array v_models loop
        select v_images || coalesce(array_agg(s.image_id order by s.rank), '{}'), v_ranks || coalesce(array_agg(s.rank order by s.rank), '{}')
        into v_images, v_ranks
        from {{ ranking }} as s;
    end loop;
    return query
    with fused as (
        select f.image_id, sum({{ polarlens._reciprocal_rank('f.place') }}) as fused_score
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
    inner join {{ details }} as d on f.image_id = d.image_id
    order by 1;
end
{%- endmacro %}
