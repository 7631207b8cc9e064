{#- For models: the k rows of an embedding model nearest to one query, as key, score, rank and the named columns.

        select * from ({{ polarlens.nearest_to(ref('image_embeddings'), "a cat at night", k=100) }}) as found

    The query is a text, embedded once; or with `vector`, an SQL expression for a vector. `where` is SQL over e, the
    embeddings, and whatever `join` adds; it acts before the limit. The statement sets the index's options for its
    transaction, walks the index, and scans exactly where the index gives up before it has k rows. -#}
{% macro nearest_to(
    embeddings, query=none, key='image_id', k=10, vector=none, where='true', join='', columns=[], model=none,
    ef_search=none
) -%}
    {%- if (query is none) == (vector is none) -%}
        {{ exceptions.raise_compiler_error(
            'nearest_to: give it a query (a text), or a vector (an SQL expression), and not both'
        ) }}
    {%- endif -%}
    {%- set in_query = '(select q.vector from query as q)' -%}
    with query as materialized (
        select
            ({{ vector or polarlens.text_vector(query, model) }})::{{ polarlens._vector_type(embeddings) }} as vector,
            {{ polarlens._search_options(k, ef_search) }} as options
    ),

    through_the_index as materialized (
        {{ polarlens._nearest_rows(embeddings, key, in_query, 2 * k, where, join, columns) | indent(4) }}
    ),

    exactly as materialized (
        {%- set unless_found = '(' ~ where ~ ') and (select count(*) from through_the_index) < ' ~ k %}
        {{ polarlens._nearest_rows(embeddings, key, in_query, k, unless_found, join, columns, exact=true) | indent(4) }}
    ),

    either as (
        select * from through_the_index
        where (select count(*) from through_the_index) >= {{ k }}
        union all
        select * from exactly
    )

    select
        f.*,
        (1 - f.distance)::real as score,
        (row_number() over (order by f.distance + 0, f.{{ key }}))::integer as rank
    from either as f
    order by rank
    limit {{ k }}
{%- endmacro %}
