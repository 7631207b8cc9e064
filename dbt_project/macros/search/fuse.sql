{#- For models: several rankings of the same things made one, by reciprocal rank (filter each before, not the fusion
    after).

        {{ polarlens.fuse(['by_meaning', 'by_words'], key='image_id', k=20) }}

    Each ranking is a relation or CTE with the key and a column rank, from 1. `weights` are one for each. -#}
{% macro fuse(rankings, key='image_id', k=10, weights=none) -%}
    select
        fused.{{ key }},
        fused.fused_score,
        (row_number() over (order by fused.fused_score desc, fused.{{ key }} asc))::integer as rank
    from (
        select
            ranked.{{ key }},
            sum(ranked.points) as fused_score
        from (
            {%- for ranking in rankings %}
            select
                r.{{ key }},
                {{ weights[loop.index0] if weights else 1 }} * {{ polarlens._reciprocal_rank('r.rank') }} as points
            from {{ ranking }} as r
            {%- if not loop.last %}
            union all
            {%- endif %}
            {%- endfor %}
        ) as ranked
        group by ranked.{{ key }}
    ) as fused
    order by rank
    limit {{ k }}
{%- endmacro %}
