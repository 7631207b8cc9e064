create or replace function search.search_images_like(
    source_image_id bigint,
    k integer default 10,
    filters jsonb default null::jsonb,
    min_score double precision default null::double precision,
    model text default null::text,
    ef_search integer default null::integer
) returns table (
    rank integer,
    image_id bigint,
    score real,
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
    -- The nearest neighbours of a photo that is already embedded; calls no model. One more is asked for: itself.
declare
    v_query halfvec;
begin
    if k is null or k < 1 or k > 10000 then
        raise exception 'k is %: it says how many results, from 1 to 10000', coalesce(k::text, 'NULL')
        using errcode = 'invalid_parameter_value';
    end if;
    if ef_search not between 1 and 1000 then
        raise exception 'ef_search is %: it says how many candidates a search keeps, from 1 to 1000', ef_search
        using errcode = 'invalid_parameter_value';
    end if;
    case coalesce(model, 'image_embeddings')
        when 'image_embeddings' then
            select e.embedding into v_query
            from "search_internal"."image_embeddings" as e
            inner join "search_internal"."stg_image_paths" as d on e.image_id = d.image_id
            where e.image_id = source_image_id;
        else
            raise exception 'there is no model % to search images with', model
            using errcode = 'undefined_object',
            hint = 'Choose one of: image_embeddings; or leave it out.';
    end case;
    if v_query is null then
        raise exception 'photo % has no embedding', coalesce(source_image_id::text, 'NULL')
        using errcode = 'no_data_found',
        hint = 'select * from "search"."photos" where image_id = …; tells how it stands.';
    end if;
    return query
    select
        (row_number() over (order by s.rank))::integer as rank,
        s.image_id,
        s.score,
        s.path,
        s.title,
        s.caption,
        s.taken_at,
        s.latitude,
        s.longitude,
        s.attributes
    from "search".search_images_by_vector(v_query, least(10000, k + 1), filters, min_score, model, ef_search) as s
    where s.image_id <> source_image_id
    order by rank
    limit k;
end
$body$;
