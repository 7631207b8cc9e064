create or replace function search_internal.logit_scale(
    model text default null::text
) returns double precision
language plpgsql stable security definer
set search_path to pg_catalog, polar_ai, public, pg_temp
as $body$
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
$body$;
