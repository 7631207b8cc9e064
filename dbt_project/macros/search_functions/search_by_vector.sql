{#- The body that every search ends in: the k nearest rows by a vector, through the index where it serves, exactly where
    it gives up. `kind` is images or texts: which of a space's embedding models.

    The statement without filters is static, so that its plan is kept, for up to 100 results. With filters or row-level
    security, or for more, it is planned for the values: the planner then knows whether to walk the index or to sort the
    few rows that match. Values are parameters; what is put into the statement comes from the filter function and from
    the list of spaces, never from the caller. -#}
{% macro _search_by_vector(kind, details, key, columns, filter_function) -%}
{%- set spaces = polarlens._spaces() | selectattr(kind, 'defined') | list -%}
{%- set default = polarlens._relation_of(spaces[0][kind]) -%}
declare
    v_query {{ polarlens._vector_type(default) }} := query;
    v_embeddings text;
    v_where text;
    v_best real;
    v_filtered boolean := filters is not null or row_security_active('{{ default }}');
begin
    {{ polarlens._check_search('k', 'ef_search', 'v_query') }}
    if not v_filtered and k <= 100 and (model is null or model = '{{ spaces[0][kind] }}') then
        {{ polarlens._candidates('k', 'ef_search', false) }}
        return query
        {{ polarlens._nearest(default, details, key, columns, 'v_query', 'k', 'min_score', plan_for=100) }};
        if not found then
            {{ polarlens._nearest_score(default, details, key, 'v_query') }} into v_best;
            if not coalesce(v_best < min_score::real, false) then
                return query
                {{ polarlens._nearest(default, details, key, columns, 'v_query', 'k', 'min_score', exact=true) }};
            end if;
        end if;
        return;
    end if;

    v_embeddings := case coalesce(model, '{{ spaces[0][kind] }}')
        {%- for space in spaces %}
        when '{{ space[kind] }}' then '{{ polarlens._relation_of(space[kind]) }}'
        {%- endfor %}
    end;
    if v_embeddings is null then
        {{ polarlens._unknown_space('model', kind) }}
    end if;
    v_where := {{ polarlens._search_function_name(filter_function) }}(filters);
    {{ polarlens._candidates('k', 'ef_search', 'v_filtered') }}
    return query execute format($statement$
        {{ polarlens._nearest('%1$s', details, key, columns, '$1', '$2', '$3', '%2$s', reach='greatest(2 * $2, 20)') }}
    $statement$, v_embeddings, v_where) using v_query, k, min_score, filters;
    if not found then
        execute format($statement$
            {{ polarlens._nearest_score('%1$s', details, key, '$1', '%2$s') }}
        $statement$, v_embeddings, v_where) into v_best using v_query, k, min_score, filters;
        if not coalesce(v_best < min_score::real, false) then
            return query execute format($statement$
                {{ polarlens._nearest('%1$s', details, key, columns, '$1', '$2', '$3', '%2$s', exact=true) }}
            $statement$, v_embeddings, v_where) using v_query, k, min_score, filters;
        end if;
    end if;
exception when data_exception then
    {{ polarlens._explain_dimension('v_query', default) }}
end
{%- endmacro %}
