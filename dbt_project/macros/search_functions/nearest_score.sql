{#- The score of the very nearest row: below the minimum, there is nothing to find. -#}
{% macro _nearest_score(embeddings, details, key, query, where='') -%}
    select (1 - n.distance)::real
    from (
        select e.embedding <=> {{ query }} as distance
        from {{ embeddings }} as e
        inner join {{ details }} as d on e.{{ key }} = d.{{ key }}
        where true{{ where }}
        order by e.embedding <=> {{ query }}
        limit 1
    ) as n
{%- endmacro %}
