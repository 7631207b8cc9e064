CREATE OR REPLACE FUNCTION search_internal.filters_error(filters jsonb)
 RETURNS text
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
    #variable_conflict use_column
    -- What photo_filter would raise, as a text: one wrong row of saved searches must not spoil the others' results.
begin
    perform "search_internal".photo_filter(filters);
    return null;
exception when data_exception then
    return sqlerrm;
end
-- depends_on: "search_internal"."image_embeddings"
    $function$
