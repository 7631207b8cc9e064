-- Reads polarlens.models, so that both registries are read by the same rules.
create or replace function polarlens._model_settings(
    model_id text, out kind text, out dimension integer, out request_size integer
)
language plpgsql stable
set search_path to pg_catalog, pg_temp
as $$
declare
    v_config jsonb := (select m.model_config from polarlens.models as m where m.model_id = _model_settings.model_id);
begin
    kind := coalesce(v_config ->> 'input', 'text');
    dimension := case
        when v_config ->> 'dimension' ~ '^[0-9]{1,9}([.]0*)?$' then (v_config ->> 'dimension')::numeric::integer
    end;
    request_size := case
        when jsonb_typeof(v_config -> 'batch_size') = 'number' then greatest(1, (v_config ->> 'batch_size')::integer)
        else 32
    end;
end
$$;

comment on function polarlens._model_settings(text) is
'Internal: the settings of a registered model that a refresh reads, with their defaults.';
