{#- Building blocks of the search functions. -#}

{#- The type of an embedding model's vectors, for a variable of a search function. Without its dimension: a session
    that has compiled the function must survive a change of the model. -#}
{% macro vector_type(embeddings) -%}
    {%- set found = namespace(storage='halfvec') -%}
    {%- for node in (graph.nodes.values() if execute else []) if node.get('relation_name') == embeddings | string -%}
        {%- set found.storage = node.config.get('storage') or 'halfvec' -%}
    {%- endfor -%}
    {{ found.storage }}
{%- endmacro %}


{#- PL/pgSQL that refuses a k below 1. -#}
{% macro check_k(k) -%}
    if coalesce({{ k }}, 0) < 1 then
        raise exception 'k is %: ask for at least one result', coalesce({{ k }}::text, 'NULL')
        using errcode = 'invalid_parameter_value';
    end if;
{%- endmacro %}


{#- The k nearest rows of an embedding table, ranked, with what people want to see of them.
    The inner query is the whole of what the index serves: the bare operator, ascending, and a limit. -#}
{% macro nearest(embeddings, details, key, query, k, where='true') -%}
    with nearest as materialized (
        select e.{{ key }}, e.embedding <=> {{ query }} as distance
        from {{ embeddings }} as e
        where {{ where }}
        order by e.embedding <=> {{ query }}
        limit {{ k }}
    )

    select
        (row_number() over (order by n.distance, n.{{ key }}))::integer,
        n.{{ key }},
        (1 - n.distance)::real,
        d.path
    from nearest as n
    inner join {{ details }} as d on n.{{ key }} = d.{{ key }}
    order by 1
{%- endmacro %}
