create or replace function search.classify_images(
    labels text[],
    k integer default 1,
    filters jsonb default null::jsonb,
    min_probability double precision default null::double precision,
    model text default null::text
) returns table (
    image_id bigint,
    rank integer,
    label text,
    score real,
    probability real,
    path text
)
language plpgsql stable
set search_path to pg_catalog, public, pg_temp
as $body$
    #variable_conflict use_column
    -- Zero-shot classification of the photos that pass the filters; the labels are embedded once, all in one call.
declare
    v_embeddings text;
begin
    if k is null or k < 1 or k > 10000 then
        raise exception 'k is %: it says how many results, from 1 to 10000', coalesce(k::text, 'NULL')
        using errcode = 'invalid_parameter_value';
    end if;
    v_embeddings := case coalesce(model, 'image_embeddings')
        when 'image_embeddings' then '"search_internal"."image_embeddings"'
    end;
    if v_embeddings is null then
        raise exception 'there is no model % to search images with', model
        using errcode = 'undefined_object',
        hint = 'Choose one of: image_embeddings; or leave it out.';
    end if;
    return query execute format($statement$
        with labels as materialized (
            select
                l.label,
                l.embedding
            from "search_internal".label_vectors($1, $2) as l
        ),

        scored as (
            select
                d.image_id,
                d.path,
                l.label,
                1 - (e.embedding <=> l.embedding) as score
            from %s as e
            inner join "search_internal"."stg_image_paths" as d on e.image_id = d.image_id
            cross join labels as l
            where true%s
        ),

        probable as (
            select
                w.image_id,
                w.path,
                w.label,
                w.score,
                w.weight / sum(w.weight) over (partition by w.image_id) as probability,
                (row_number() over (partition by w.image_id order by w.score desc, w.label asc))::integer as rank
            from (
                select
                    s.*,
                    -- Less the highest, so that no exponent overflows.
                    exp($6 * (s.score - max(s.score) over (partition by s.image_id))) as weight
                from scored as s
            ) as w
        )

        select
            p.image_id,
            p.rank,
            p.label,
            p.score::real,
            p.probability::real,
            p.path
        from probable as p
        where p.rank <= $3 and p.probability >= coalesce($5::real, 0)
        order by p.image_id, p.rank
    $statement$, v_embeddings, "search_internal".photo_filter(filters))
    using labels, model, k, filters, min_probability, "search_internal".logit_scale(model);
end
-- depends_on: "search_internal"."image_embeddings"
$body$;
