create or replace function search.classify_photo(
    photo text,
    labels text[],
    model text default null::text
) returns table (
    rank integer,
    label text,
    score real,
    probability real
)
language plpgsql stable
set search_path to pg_catalog, public, pg_temp
as $body$
    #variable_conflict use_column
    -- Zero-shot classification of a photo that need not be in the collection; one call to each model.
begin
    if photo is null or btrim(photo) = '' then
        raise exception 'the photo is empty: say what to look for'
        using errcode = 'null_value_not_allowed';
    end if;
    return query
    with labels as materialized (
        select
            l.label,
            l.embedding
        from "search_internal".label_vectors(labels, model) as l
    ),

    this_photo as materialized (
        select "search".photo_vector(photo, model) as embedding
    ),

    scored as (
        select
            1 as image_id,
            l.label,
            1 - ((select t.embedding from this_photo as t) <=> l.embedding) as score
        from labels as l
    ),

    probable as (
        select
            w.image_id,
            w.label,
            w.score,
            w.weight / sum(w.weight) over (partition by w.image_id) as probability,
            (row_number() over (partition by w.image_id order by w.score desc, w.label asc))::integer as rank
        from (
            select
                s.*,
                -- Less the highest, so that no exponent overflows.
                exp("search_internal".logit_scale(model) * (s.score - max(s.score) over (partition by s.image_id))) as weight
            from scored as s
        ) as w
    )

    select
        p.rank,
        p.label,
        p.score::real,
        p.probability::real
    from probable as p
    order by p.rank;
end
-- depends_on: "search_internal"."image_embeddings"
$body$;
