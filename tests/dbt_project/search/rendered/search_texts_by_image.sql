create or replace function search.search_texts_by_image(
    source_image_id bigint,
    k integer default 10,
    filters jsonb default null::jsonb,
    min_score double precision default null::double precision,
    ef_search integer default null::integer
) returns table (
    rank integer,
    text_id bigint,
    score real,
    content text
)
language plpgsql stable
set search_path to pg_catalog, public, pg_temp
as $body$
    #variable_conflict use_column
    -- Image to texts, by the key of an embedded photo; calls no model.
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
    case coalesce(null::text, 'image_embeddings')
        when 'image_embeddings' then
            select e.embedding into v_query
            from "search_internal"."image_embeddings" as e
            inner join "search_internal"."stg_image_paths" as d on e.image_id = d.image_id
            where e.image_id = source_image_id;
        else
            raise exception 'there is no model % to search images with', null::text
            using errcode = 'undefined_object',
            hint = 'Choose one of: image_embeddings; or leave it out.';
    end case;
    if v_query is null then
        raise exception 'photo % has no embedding', coalesce(source_image_id::text, 'NULL')
        using errcode = 'no_data_found',
        hint = 'select * from "search"."photos" where image_id = …; tells how it stands.';
    end if;
    perform "search_internal".spaces_agree('search_internal.text_embeddings', 'search_internal.image_embeddings', true);
    return query
    select s.*
    from "search".search_texts_by_vector(
        v_query, k, filters, min_score, null, ef_search
    ) as s;
end
-- depends_on: "search_internal"."text_embeddings" "search_internal"."stg_texts"
$body$;
