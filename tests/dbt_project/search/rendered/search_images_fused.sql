create or replace function search.search_images_fused(
    query text,
    k integer default 10,
    filters jsonb default null::jsonb,
    models text[] default null::text[],
    ef_search integer default null::integer
) returns table (
    rank integer,
    image_id bigint,
    fused_score real,
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
    -- One ranking for each model that embeds texts, fused.
declare
    v_model text;
    v_models text[] := coalesce(
        models, '{image_embeddings}'
    );
    v_images bigint[] := '{}';
    v_ranks integer[] := '{}';
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
    foreach v_model in array v_models loop
        select
            v_images || coalesce(array_agg(s.image_id order by s.rank), '{}'),
            v_ranks || coalesce(array_agg(s.rank order by s.rank), '{}')
        into v_images, v_ranks
        from "search".search_images_by_vector(
            "search".query_vector(query, v_model),
            v_depth, filters, null, v_model, ef_search
        ) as s;
    end loop;
    return query
    with fused as (
        select
            f.image_id,
            sum(coalesce(1.0 / (60 + f.place), 0)) as fused_score
        from unnest(v_images, v_ranks) as f (image_id, place)
        group by f.image_id
        order by fused_score desc, f.image_id asc
        limit k
    )

    select
        (row_number() over (order by f.fused_score desc, f.image_id asc))::integer as rank,
        f.image_id,
        f.fused_score::real,
        d.path,
        d.title,
        d.caption,
        d.taken_at,
        d.latitude,
        d.longitude,
        d.attributes
    from fused as f
    inner join "search_internal"."stg_image_paths" as d on f.image_id = d.image_id
    order by rank;
end
-- depends_on: "search_internal"."image_embeddings"
$body$;
