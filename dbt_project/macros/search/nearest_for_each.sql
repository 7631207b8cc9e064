{#- For models: for every row of a relation that has a vector, the k nearest rows of an embedding model.

        {{ polarlens.nearest_for_each(
            ref('saved_search_embeddings'), 'search_id', ref('image_embeddings'), 'image_id', k=20
        ) }}

    Gives of_key, the key, score and rank. Vectors come from columns: a model is never called once a row. Have texts
    embedded by an embedding model first. `where` is SQL over e, the embeddings, and o, the row they are for. -#}
{% macro nearest_for_each(of, of_key, embeddings, key, k=10, vector='embedding', where='true', ef_search=none) -%}
    {%- set type = polarlens._vector_type(embeddings) -%}
    with options as materialized (
        select {{ polarlens._search_options(k, ef_search) }} as options
        {%- if of is not string and embeddings is not string and of != embeddings %}
        where {{ polarlens._spaces_agree(embeddings, of, required=true) }}
        {%- endif %}
    ),

    wanted as materialized (
        select o.*, o.{{ vector }}::{{ type }} as wanted_vector
        from {{ of }} as o
        where (select n.options from options as n) is not null
    )

    select
        o.{{ of_key }} as of_key,
        f.{{ key }},
        (1 - f.distance)::real as score,
        (row_number() over (partition by o.{{ of_key }} order by f.distance + 0, f.{{ key }}))::integer as rank
    from wanted as o
    cross join lateral (
        with near as materialized (
            {{ polarlens._nearest_rows(embeddings, key, 'o.wanted_vector', k, where) | indent(8) }}
        )

        select * from near
        where (select count(*) from near) >= {{ k }}
        union all
        (
            {%- set unless_found = '(' ~ where ~ ') and (select count(*) from near) < ' ~ k %}
            {{ polarlens._nearest_rows(embeddings, key, 'o.wanted_vector', k, unless_found, exact=true) | indent(8) }}
        )
    ) as f
{%- endmacro %}
