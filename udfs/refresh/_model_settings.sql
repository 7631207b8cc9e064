create or replace function polarlens._model_settings(
    model_config jsonb, out kind text, out dimension integer, out request_size integer
)
language plpgsql immutable
set search_path to pg_catalog, pg_temp
as $$
begin
    kind := coalesce(model_config ->> 'input', 'text');
    dimension := case
        when model_config ->> 'dimension' ~ '^[0-9]{1,9}([.]0*)?$'
            then (model_config ->> 'dimension')::numeric::integer
    end;
    request_size := case
        when jsonb_typeof(model_config -> 'batch_size') = 'number'
            then greatest(1, (model_config ->> 'batch_size')::integer)
        else 32
    end;
end
$$;

comment on function polarlens._model_settings(jsonb) is
'Internal: what a refresh reads of the settings of a model (model_config), with their defaults.';
