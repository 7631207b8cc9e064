create or replace function search.search_images_hybrid(
    query text,
    words text default null::text,
    k integer default 10,
    filters jsonb default null::jsonb,
    model text default null::text,
    ef_search integer default null::integer
) returns table (
    rank integer,
    image_id bigint,
    score real,
    fused_score real,
    meaning_rank integer,
    words_rank integer,
    path text,
    title text,
    caption text,
    taken_at timestamp with time zone,
    latitude double precision,
    longitude double precision,
    attributes jsonb
)
language plpgsql stable
set search_path to pg_catalog, public, pg_temp
as $body$
    #variable_conflict use_column
    -- Two rankings of the photos that pass the filters, by meaning and by words, fused by reciprocal rank.
declare
    v_words tsquery;
    v_filter text;
    v_depth integer;
begin
    if query is null or btrim(query) = '' then
        raise exception 'the query is empty: say what to look for'
        using errcode = 'null_value_not_allowed';
    end if;
    if k is null or k < 1 or k > 10000 then
        raise exception 'k is %: it says how many results, from 1 to 10000', coalesce(k::text, 'NULL')
        using errcode = 'invalid_parameter_value';
    end if;
    if ef_search not between 1 and 1000 then
        raise exception 'ef_search is %: it says how many candidates a search keeps, from 1 to 1000', ef_search
        using errcode = 'invalid_parameter_value';
    end if;
    v_depth := least(10000, greatest(100, 4 * k));
    v_filter := "search_internal".photo_filter(filters);
    -- A query is a sentence: any of its words counts. Words of their own are taken as they are written.
    v_words := case
        when words is null
            then replace(plainto_tsquery('simple', query)::text, '&', '|')::tsquery
        else websearch_to_tsquery('simple', words)
    end;
    return query execute format($statement$
        with by_meaning as materialized (
            select
                s.rank,
                s.image_id,
                s.score
            from "search".search_images_by_vector($1, $2, $4, null, $6, $7) as s
        ),

        matching as (
            select
                d.image_id,
                ts_rank_cd(to_tsvector('simple', coalesce(d.title, '') || ' ' || coalesce(d.caption, '')), $3) as relevance
            from "search_internal"."stg_image_paths" as d
            where to_tsvector('simple', coalesce(d.title, '') || ' ' || coalesce(d.caption, '')) @@ $3%s
            order by relevance desc, d.image_id asc
            limit $2
        ),

        by_words as (
            select
                (row_number() over (order by m.relevance desc, m.image_id asc))::integer as rank,
                m.image_id
            from matching as m
        ),

        fused as (
            select
                coalesce(m.image_id, w.image_id) as image_id,
                coalesce(1.0 / (60 + m.rank), 0) + coalesce(1.0 / (60 + w.rank), 0) as fused_score,
                m.rank as meaning_rank,
                w.rank as words_rank
            from by_meaning as m
            full join by_words as w on m.image_id = w.image_id
            order by fused_score desc, image_id asc
            limit $5
        )

        select
            (row_number() over (order by f.fused_score desc, f.image_id asc))::integer as rank,
            f.image_id,
            m.score,
            f.fused_score::real,
            f.meaning_rank,
            f.words_rank,
            d.path,
            d.title,
            d.caption,
            d.taken_at,
            d.latitude,
            d.longitude,
            d.attributes
        from fused as f
        inner join "search_internal"."stg_image_paths" as d on f.image_id = d.image_id
        left join by_meaning as m on f.image_id = m.image_id
        order by rank
    $statement$, v_filter)
    using
        "search".query_vector(query, model),
        v_depth, v_words, filters, k, model, ef_search;
end
-- depends_on: "search_internal"."image_embeddings"
$body$;
