-- Two rankings of the photos that pass the filters, by meaning and by words, fused by reciprocal rank.
declare
    v_words tsquery;
    v_filter text;
    v_depth integer;
begin
    {{ polarlens._check_query('query') }}
    {{ polarlens._check_search('k', 'ef_search') }}
    v_depth := least(10000, greatest(100, 4 * k));
    v_filter := {{ polarlens._search_function_name('photo_filter') }}(filters);
    -- A query is a sentence: any of its words counts. Words of their own are taken as they are written.
    v_words := case
        when words is null
            then replace(plainto_tsquery('{{ var("text_search_config", "simple") }}', query)::text, '&', '|')::tsquery
        else websearch_to_tsquery('{{ var("text_search_config", "simple") }}', words)
    end;
    return query execute format($statement$
        with by_meaning as materialized (
            select
                s.rank,
                s.image_id,
                s.score
            from {{ polarlens._search_function_name('search_images_by_vector') }}($1, $2, $4, null, $6, $7) as s
        ),

        matching as (
            select
                d.image_id,
                ts_rank_cd({{ polarlens.photo_words('d') }}, $3) as relevance
            from {{ ref('stg_image_paths') }} as d
            where {{ polarlens.photo_words('d') }} @@ $3%s
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
                {{ polarlens._reciprocal_rank('m.rank') }} + {{ polarlens._reciprocal_rank('w.rank') }} as fused_score,
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
            f.words_rank
            {{- polarlens._select_photo_columns('d', indent=12) }}
        from fused as f
        inner join {{ ref('stg_image_paths') }} as d on f.image_id = d.image_id
        left join by_meaning as m on f.image_id = m.image_id
        order by rank
    $statement$, v_filter)
    using
        {{ polarlens._search_function_name('query_vector') }}(query, model),
        v_depth, v_words, filters, k, model, ef_search;
end
-- depends_on: {{ ref('image_embeddings') }}
