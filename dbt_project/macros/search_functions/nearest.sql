{#- The k nearest rows of an embedding table, best first: rank, key, score and the named columns of details.

    The inner query is what the index serves: the bare operator, ascending, and a limit. The join stands inside it, so
    that rows whose details are gone, or hidden from the reader by row-level security, take nobody's place. The index
    may give up before it has k rows; then this returns none, and the caller asks again with exact=true.
    A plan that is kept does not know k: plan_for tells the planner how many rows there are at most.
    `reach`, above k, takes that many from the index and keeps the best k of them: surer, for long lists and with filters.
    `+ 0` keeps PostgreSQL 17 and later from trusting the index's order, which is nearly but not quite sorted. -#}
{% macro _nearest(embeddings, details, key, columns, query, k, min_score, where='', exact=false, plan_for=none, reach=none) -%}
    {%- set distance = 'e.embedding <=> ' ~ query -%}
    with nearest as materialized (
        {%- if plan_for or reach %}
        select * from (
        {%- endif %}
        select
            d.{{ key }},
            {% for column in columns %}d.{{ column }},
            {% endfor %}{{ distance }} as distance
        from {{ embeddings }} as e
        inner join {{ details }} as d on e.{{ key }} = d.{{ key }}
        where true{{ where }}
        order by {% if exact %}({{ distance }}) + 0, d.{{ key }}{% else %}{{ distance }}{% endif %}
        {%- if plan_for or reach %}
        limit {{ plan_for or reach }}
        ) as planned
        {%- endif %}
        {%- if reach %}
        order by planned.distance + 0, planned.{{ key }}
        {%- endif %}
        limit {{ k }}
    )

    select
        (row_number() over (order by n.distance + 0, n.{{ key }}))::integer,
        n.{{ key }},
        (1 - n.distance)::real{% for column in columns %},
        n.{{ column }}{% endfor %}
    from nearest as n
    where ({{ min_score }} is null or (1 - n.distance)::real >= {{ min_score }}::real)
        {%- if not exact %} and (select count(*) from nearest) >= {{ k }}{% endif %}
    -- As rank does, and in its words: by its number, everything would be sorted twice.
    order by n.distance + 0, n.{{ key }}
{%- endmacro %}
