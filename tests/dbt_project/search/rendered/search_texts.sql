create or replace function search.search_texts(
    query text,
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
    -- Text to texts: the query is embedded once.
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
    return query
    select s.*
    from "search".search_texts_by_vector(
        "search".query_vector(query, 'text_embeddings'),
        k, filters, min_score, null, ef_search
    ) as s;
end
-- depends_on: "search_internal"."text_embeddings" "search_internal"."stg_texts"
$body$;
