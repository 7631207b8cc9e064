{#- SQL for the share of a rank in a fused score (Cormack, Clarke and Büttcher, 2009: 60 keeps the first from outvoting
    the others). -#}
{% macro _reciprocal_rank(rank) -%}
    coalesce(1.0 / (60 + {{ rank }}), 0)
{%- endmacro %}


{#- The body of a search in several spaces: one ranking for each, fused by reciprocal rank, because scores of two
    spaces do not compare. `caller` is the search in the space v_model, v_depth deep; a space takes part if it has
    `model_role`. -#}
{% macro _search_fused(detail_view, model_role='images', check='') -%}
declare
    v_model text;
    v_models text[] := coalesce(
        models, '{ {{- polarlens._spaces() | selectattr(model_role) | map(attribute="images") | join(",") -}} }'
    );
    v_images bigint[] := '{}';
    v_ranks integer[] := '{}';
    v_depth integer;
begin
    {%- if check %}
    {{ check }}
    {%- endif %}
    {{ polarlens._check_search('k', 'ef_search') }}
    v_depth := least(10000, greatest(100, 4 * k));
    foreach v_model in array v_models loop
        select
            v_images || coalesce(array_agg(s.image_id order by s.rank), '{}'),
            v_ranks || coalesce(array_agg(s.rank order by s.rank), '{}')
        into v_images, v_ranks
        from {{ caller() }} as s;
    end loop;
    return query
    with fused as (
        select
            f.image_id,
            sum({{ polarlens._reciprocal_rank('f.place') }}) as fused_score
        from unnest(v_images, v_ranks) as f (image_id, place)
        group by f.image_id
        order by fused_score desc, f.image_id asc
        limit k
    )

    select
        (row_number() over (order by f.fused_score desc, f.image_id asc))::integer as rank,
        f.image_id,
        f.fused_score::real
        {{- polarlens._select_photo_columns('d') }}
    from fused as f
    inner join {{ detail_view }} as d on f.image_id = d.image_id
    order by rank;
end
{%- endmacro %}
