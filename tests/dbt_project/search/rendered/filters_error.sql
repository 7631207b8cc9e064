create or replace function search_internal.filters_error(
    filters jsonb
) returns text
language plpgsql stable
set search_path to pg_catalog, public, pg_temp
as $body$
    #variable_conflict use_column
    -- What photo_filter would raise, as a text: one wrong row of saved searches must not spoil the others' results.
begin
    perform "search_internal".photo_filter(filters);
    return null;
exception when data_exception then
    return sqlerrm;
end
-- depends_on: "search_internal"."image_embeddings"
$body$;
