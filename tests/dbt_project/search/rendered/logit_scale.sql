CREATE OR REPLACE FUNCTION search_internal.logit_scale(model text DEFAULT NULL::text)
 RETURNS double precision
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'polar_ai', 'public', 'pg_temp'
AS $function$
    #variable_conflict use_column
    -- Readers cannot read the registry; this one number of it they need.
begin
    return coalesce((
        select (m.model_config ->> 'logit_scale')::double precision
        from polarlens.models as m
        where m.model_id = case coalesce(model, 'image_embeddings')
            when 'image_embeddings' then 'embedding/clip_text'
        end
    ), 100);
end
    $function$
