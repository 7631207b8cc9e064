create or replace function search.search_texts_by_vector(
    query halfvec,
    k integer default 10,
    filters jsonb default null::jsonb,
    min_score double precision default null::double precision,
    model text default null::text,
    ef_search integer default null::integer
) returns table (
    rank integer,
    text_id bigint,
    score real,
    content text
)
language plpgsql stable
set search_path to pg_catalog, public, pg_temp
set "hnsw.iterative_scan" to 'relaxed_order'
set "hnsw.ef_search" to '200'
set "plan_cache_mode" to 'force_generic_plan'
as $body$
    #variable_conflict use_column
    -- What every search for texts ends in.
declare
    v_query halfvec := query;
    v_embeddings text;
    v_where text;
    v_best real;
    v_filtered boolean := filters is not null or row_security_active('"search_internal"."text_embeddings"');
begin
    if k is null or k < 1 or k > 10000 then
        raise exception 'k is %: it says how many results, from 1 to 10000', coalesce(k::text, 'NULL')
        using errcode = 'invalid_parameter_value';
    end if;
    if ef_search not between 1 and 1000 then
        raise exception 'ef_search is %: it says how many candidates a search keeps, from 1 to 1000', ef_search
        using errcode = 'invalid_parameter_value';
    end if;
    if v_query is null then
        raise exception 'the query vector is NULL: every row would be as near as any other'
        using errcode = 'null_value_not_allowed',
        hint = 'Where it is read from a table: is the row there, and embedded?';
    elsif vector_norm(v_query::vector) = 0 then
        raise exception 'the query vector is all zeros: it is in no direction'
        using errcode = 'invalid_parameter_value';
    end if;
    if not v_filtered and k <= 100 and (model is null or model = 'text_embeddings') then
        if ef_search is not null or k > 50 then
            perform set_config('hnsw.ef_search', (coalesce(ef_search, least(1000, greatest(4 * k, 200))))::text, true);
        end if;
        return query
        with nearest as materialized (
            select * from (
                select
                    e.text_id,
                    d.content,
                    e.embedding <=> v_query as distance
                from "search_internal"."text_embeddings" as e
                inner join "search_internal"."stg_texts" as d on e.text_id = d.text_id
                where true
                order by e.embedding <=> v_query
                limit 100
            ) as found
            limit k
        )

        select
            (row_number() over (order by n.distance + 0, n.text_id))::integer,
            n.text_id,
            (1 - n.distance)::real,
            n.content
        from nearest as n
        where
            (min_score is null or (1 - n.distance)::real >= min_score::real)
            and (select count(*) from nearest) >= k
        -- Repeats the expressions of rank's ORDER BY: ordering by position would sort a second time.
        order by n.distance + 0, n.text_id;
        if not found then
            select (1 - n.distance)::real
            from (
                select
                    e.text_id,
                    e.embedding <=> v_query as distance
                from "search_internal"."text_embeddings" as e
                inner join "search_internal"."stg_texts" as d on e.text_id = d.text_id
                where true
                order by e.embedding <=> v_query
                limit 1
            ) as n into v_best;
            if not coalesce(v_best < min_score::real, false) then
                return query
                with nearest as materialized (
                    select
                        e.text_id,
                        d.content,
                        e.embedding <=> v_query as distance
                    from "search_internal"."text_embeddings" as e
                    inner join "search_internal"."stg_texts" as d on e.text_id = d.text_id
                    where true
                    order by (e.embedding <=> v_query) + 0, e.text_id
                    limit k
                )

                select
                    (row_number() over (order by n.distance + 0, n.text_id))::integer,
                    n.text_id,
                    (1 - n.distance)::real,
                    n.content
                from nearest as n
                where
                    (min_score is null or (1 - n.distance)::real >= min_score::real)
                -- Repeats the expressions of rank's ORDER BY: ordering by position would sort a second time.
                order by n.distance + 0, n.text_id;
            end if;
        end if;
        return;
    end if;

    v_embeddings := case coalesce(model, 'text_embeddings')
        when 'text_embeddings' then '"search_internal"."text_embeddings"'
    end;
    if v_embeddings is null then
        raise exception 'there is no model % to search texts with', model
        using errcode = 'undefined_object',
        hint = 'Choose one of: text_embeddings; or leave it out.';
    end if;
    v_where := "search_internal".text_filter(filters);
    if ef_search is not null or k > 50 or v_filtered then
        perform set_config('hnsw.ef_search', (coalesce(ef_search, least(1000, greatest(4 * k, case when v_filtered then 400 else 200 end))))::text, true);
    end if;
    return query execute format($statement$
        with nearest as materialized (
            select * from (
                select
                    e.text_id,
                    d.content,
                    e.embedding <=> $1 as distance
                from %1$s as e
                inner join "search_internal"."stg_texts" as d on e.text_id = d.text_id
                where true%2$s
                order by e.embedding <=> $1
                limit greatest(2 * $2, 20)
            ) as found
            order by found.distance + 0, found.text_id
            limit $2
        )

        select
            (row_number() over (order by n.distance + 0, n.text_id))::integer,
            n.text_id,
            (1 - n.distance)::real,
            n.content
        from nearest as n
        where
            ($3 is null or (1 - n.distance)::real >= $3::real)
            and (select count(*) from nearest) >= $2
        -- Repeats the expressions of rank's ORDER BY: ordering by position would sort a second time.
        order by n.distance + 0, n.text_id
    $statement$, v_embeddings, v_where) using v_query, k, min_score, filters;
    if not found then
        execute format($statement$
            select (1 - n.distance)::real
            from (
                select
                    e.text_id,
                    e.embedding <=> $1 as distance
                from %1$s as e
                inner join "search_internal"."stg_texts" as d on e.text_id = d.text_id
                where true%2$s
                order by e.embedding <=> $1
                limit 1
            ) as n
        $statement$, v_embeddings, v_where) into v_best using v_query, k, min_score, filters;
        if not coalesce(v_best < min_score::real, false) then
            return query execute format($statement$
                with nearest as materialized (
                    select
                        e.text_id,
                        d.content,
                        e.embedding <=> $1 as distance
                    from %1$s as e
                    inner join "search_internal"."stg_texts" as d on e.text_id = d.text_id
                    where true%2$s
                    order by (e.embedding <=> $1) + 0, e.text_id
                    limit $2
                )

                select
                    (row_number() over (order by n.distance + 0, n.text_id))::integer,
                    n.text_id,
                    (1 - n.distance)::real,
                    n.content
                from nearest as n
                where
                    ($3 is null or (1 - n.distance)::real >= $3::real)
                -- Repeats the expressions of rank's ORDER BY: ordering by position would sort a second time.
                order by n.distance + 0, n.text_id
            $statement$, v_embeddings, v_where) using v_query, k, min_score, filters;
        end if;
    end if;
exception when data_exception then
    if sqlerrm like 'different %dimensions%' then
        raise exception 'the query vector has % dimensions: it is not of the model that embedded what is searched',
            vector_dims(v_query)
        using errcode = 'data_exception', detail = sqlerrm,
        hint = 'Embed the query with the model that text_embeddings was embedded with.';
    end if;
    raise;
end
$body$;
