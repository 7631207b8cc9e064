create or replace function search.search_images_by_photo(
    photo text,
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
    -- The photos most like one that need not be in the collection; calls the image model once.
begin
    if photo is null or btrim(photo) = '' then
        raise exception 'the photo is empty: say what to look for'
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
    return query
    select s.*
    from "search".search_images_by_vector(
        "search".photo_vector(photo, model), k, filters, min_score, model, ef_search
    ) as s;
end
-- depends_on: "search_internal"."image_embeddings" "search_internal"."stg_image_paths"
$body$;
