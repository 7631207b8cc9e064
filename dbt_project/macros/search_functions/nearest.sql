{#- SQL for the number of candidates that the index keeps for k results: four for each (recall falls off near the end of
    the list), 200 at least, 400 where a condition may throw some away, 1,000 at most. ef_search, if given, decides. -#}
{% macro _candidates(k, ef_search, filtered) -%}
    {%- set if_filtered = 'case when ' ~ filtered ~ ' then 400 else 200 end' -%}
    {%- set least = if_filtered if filtered is string else (400 if filtered else 200) -%}
    coalesce({{ ef_search }}, least(1000, greatest(4 * {{ k }}, {{ least }})))
{%- endmacro %}


{#- PL/pgSQL that has the index keep enough candidates. The function's own SET clause says 200, and takes back at the
    function's end what is set here. -#}
{% macro _set_ef_search(k, ef_search, filtered) -%}
{%- if polarlens._distributed() %}
    {{ polarlens._set_on_workers(polarlens._candidates(k, ef_search, filtered)) }}
{%- else %}
    if {{ ef_search }} is not null or {{ k }} > 50{{ ' or ' ~ filtered if filtered }} then
        perform set_config('hnsw.ef_search', ({{ polarlens._candidates(k, ef_search, filtered) }})::text, true);
    end if;
{%- endif %}
{%- endmacro %}


{#- SQL that sets the index's options for the rest of the transaction, for the k rows of a query in a model. -#}
{% macro _search_options(k, ef_search=none) -%}
    set_config('hnsw.iterative_scan', 'relaxed_order', true)
            || set_config('hnsw.ef_search', ({{ polarlens._candidates(k, ef_search or 'null', true) }})::text, true)
{%- endmacro %}


{#- The rows of an embedding table nearest to a query: key, columns and distance. The index serves this shape: the bare
    operator, ascending, and a limit. A join stands inside, so that rows whose details are gone, or hidden from the
    reader by row-level security, take nobody's place. `exact` sorts instead: `+ 0` keeps the index out. -#}
{% macro _nearest_rows(embeddings, key, query, limit, where='true', join='', columns=[], exact=false) -%}
    select
        e.{{ key }},
        {%- for column in columns %}
        {{ column }},
        {%- endfor %}
        e.embedding <=> {{ query }} as distance
    from {{ embeddings }} as e
    {%- if join %}
    {{ join }}
    {%- endif %}
    where {{ where }}
    {%- if exact %}
    order by (e.embedding <=> {{ query }}) + 0, e.{{ key }}
    {%- else %}
    order by e.embedding <=> {{ query }}
    {%- endif %}
    limit {{ limit }}
{%- endmacro %}


{#- The k nearest rows, best first: rank, key, score and the columns of their details. The index may give up before it
    has k rows; then this returns none, and the caller asks again with exact=true. A plan that is kept does not know k:
    plan_limit tells the planner how many rows there are at most. `oversample`, above k, takes that many from the index
    and keeps the best k of them: surer, for long lists and with filters. `+ 0` keeps PostgreSQL 17 and later from
    trusting the index's order, which is nearly but not quite sorted. -#}
{% macro _nearest(
    embeddings, details, query, k, min_score, where='true', exact=false, plan_limit=none, oversample=none
) -%}
    with nearest as materialized (
        {%- if exact %}
        {{ polarlens._nearest_rows(
            embeddings, details.key, query, k, where, details.join, details.columns, exact=true
        ) | indent(4) }}
        {%- else %}
        select * from (
            {{ polarlens._nearest_rows(
                embeddings, details.key, query, plan_limit or oversample, where, details.join, details.columns
            ) | indent(8) }}
        ) as found
        {%- if oversample %}
        order by found.distance + 0, found.{{ details.key }}
        {%- endif %}
        limit {{ k }}
        {%- endif %}
    )

    select
        (row_number() over (order by n.distance + 0, n.{{ details.key }}))::integer,
        n.{{ details.key }},
        (1 - n.distance)::real
        {%- for column in details.columns %},
        n.{{ column | replace('d.', '') }}
        {%- endfor %}
    from nearest as n
    where
        ({{ min_score }} is null or (1 - n.distance)::real >= {{ min_score }}::real)
        {%- if not exact %}
        and (select count(*) from nearest) >= {{ k }}
        {%- endif %}
    -- Repeats the expressions of rank's ORDER BY: ordering by position would sort a second time.
    order by n.distance + 0, n.{{ details.key }}
{%- endmacro %}


{#- The score of the very nearest row: below the minimum, there is nothing to find. -#}
{% macro _nearest_score(embeddings, details, query, where='true') -%}
    select (1 - n.distance)::real
    from (
        {{ polarlens._nearest_rows(embeddings, details.key, query, 1, where, details.join) | indent(4) }}
    ) as n
{%- endmacro %}


{#- The body that every search ends in: the k nearest rows by a vector, through the index where it serves, exactly where
    it gives up. `entity` is images or texts: which of a space's embedding models.

    The statement without filters is static, so that its plan is kept, for up to 100 results. With filters or row-level
    security, or for more, it is planned for the values: the planner then knows whether to walk the index or to sort the
    few rows that match. Values are parameters; the statement's text comes from the filter function and from the list of
    spaces, never from the caller. -#}
{% macro _search_by_vector(entity, detail_view, key, filter_function, columns) -%}
{%- set first = polarlens._spaces()[0][entity] -%}
{%- set embeddings = polarlens._ref_in_hook(first) -%}
{%- set join -%} inner join {{ detail_view }} as d on e.{{ key }} = d.{{ key }} {%- endset -%}
{%- set details = {'key': key, 'columns': [], 'join': join} -%}
{%- for column in columns -%}{%- do details.columns.append('d.' ~ column) -%}{%- endfor -%}
declare
    v_query {{ polarlens._vector_type(embeddings) }} := query;
    v_embeddings text;
    v_where text;
    v_best real;
    v_filtered boolean := filters is not null or row_security_active('{{ embeddings }}');
begin
    {{ polarlens._check_search('k', 'ef_search', 'v_query') }}
    if not v_filtered and k <= 100 and (model is null or model = '{{ first }}') then
        {{- polarlens._set_ef_search('k', 'ef_search', false) | indent(4) }}
        return query
        {{ polarlens._nearest(embeddings, details, 'v_query', 'k', 'min_score', plan_limit=100) | indent(4) }};
        if not found then
            {{ polarlens._nearest_score(embeddings, details, 'v_query') | indent(8) }} into v_best;
            if not coalesce(v_best < min_score::real, false) then
                return query
                {{ polarlens._nearest(embeddings, details, 'v_query', 'k', 'min_score', exact=true) | indent(12) }};
            end if;
        end if;
        return;
    end if;

    v_embeddings := {{ polarlens._table_of_space('model', entity) }};
    if v_embeddings is null then
        {{ polarlens._raise_unknown_space('model', entity) | indent(4) }}
    end if;
    v_where := {{ polarlens._search_function_name(filter_function) }}(filters);
    {{- polarlens._set_ef_search('k', 'ef_search', 'v_filtered') }}
    return query execute format($statement$
        {{ polarlens._nearest(
            '%1$s', details, '$1', '$2', '$3', 'true%2$s', oversample='greatest(2 * $2, 20)'
        ) | indent(4) }}
    $statement$, v_embeddings, v_where) using v_query, k, min_score, filters;
    if not found then
        execute format($statement$
            {{ polarlens._nearest_score('%1$s', details, '$1', 'true%2$s') | indent(8) }}
        $statement$, v_embeddings, v_where) into v_best using v_query, k, min_score, filters;
        if not coalesce(v_best < min_score::real, false) then
            return query execute format($statement$
                {{ polarlens._nearest('%1$s', details, '$1', '$2', '$3', 'true%2$s', exact=true) | indent(12) }}
            $statement$, v_embeddings, v_where) using v_query, k, min_score, filters;
        end if;
    end if;
exception when data_exception then
    if sqlerrm like 'different %dimensions%' then
        raise exception 'the query vector has % dimensions: it is not of the model that embedded what is searched',
            vector_dims(v_query)
        using errcode = 'data_exception', detail = sqlerrm,
        hint = 'Embed the query with the model that {{ embeddings.identifier }} was embedded with.';
    end if;
    raise;
end
{%- endmacro %}
