create or replace function search.classify_images_by_set(
    label_set text,
    k integer default 1,
    filters jsonb default null::jsonb,
    min_probability double precision default null::double precision
) returns table (
    image_id bigint,
    rank integer,
    label text,
    score real,
    probability real,
    attributes jsonb,
    path text
)
language plpgsql stable
set search_path to pg_catalog, public, pg_temp
as $body$
    #variable_conflict use_column
    -- As classify_images, with a set of the table polarlens.labels, whose vectors `dbt run` keeps; calls no model.
begin
    if k is null or k < 1 or k > 10000 then
        raise exception 'k is %: it says how many results, from 1 to 10000', coalesce(k::text, 'NULL')
        using errcode = 'invalid_parameter_value';
    end if;
    if not exists (
        select from "search_internal"."stg_labels" as l
        inner join "search_internal"."label_embeddings" as e on l.label_id = e.label_id
        where l.label_set = classify_images_by_set.label_set
    ) then
        raise exception 'there is no embedded label in the set %', coalesce(classify_images_by_set.label_set, 'NULL')
        using errcode = 'no_data_found',
        hint = 'insert into polarlens.labels (label_set, label, attributes) values (…), then dbt run.';
    end if;
    perform "search_internal".spaces_agree('search_internal.image_embeddings', 'search_internal.label_embeddings', true);
    return query execute format($statement$
        with labels as materialized (
            select
                l.label,
                l.attributes,
                v.embedding
            from "search_internal"."stg_labels" as l
            inner join "search_internal"."label_embeddings" as v on l.label_id = v.label_id
            where l.label_set = $1
        ),

        scored as (
            select
                d.image_id,
                d.path,
                l.label,
                l.attributes,
                1 - (e.embedding <=> l.embedding) as score
            from "search_internal"."image_embeddings" as e
            inner join "search_internal"."stg_image_paths" as d on e.image_id = d.image_id
            cross join labels as l
            where true%s
        ),

        probable as (
            select
                w.image_id,
                w.path,
                w.attributes,
                w.label,
                w.score,
                w.weight / sum(w.weight) over (partition by w.image_id) as probability,
                (row_number() over (partition by w.image_id order by w.score desc, w.label asc))::integer as rank
            from (
                select
                    s.*,
                    -- Less the highest, so that no exponent overflows.
                    exp($2 * (s.score - max(s.score) over (partition by s.image_id))) as weight
                from scored as s
            ) as w
        )

        select
            p.image_id,
            p.rank,
            p.label,
            p.score::real,
            p.probability::real,
            p.attributes,
            p.path
        from probable as p
        where p.rank <= $3 and p.probability >= coalesce($5::real, 0)
        order by p.image_id, p.rank
    $statement$, "search_internal".photo_filter(filters))
    using label_set, "search_internal".logit_scale(null), k, filters, min_probability;
end
$body$;
