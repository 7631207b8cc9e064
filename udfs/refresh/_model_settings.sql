-- Reads polarlens.models, so that both registries are read by the same rules.
create or replace function polarlens._model_settings(
    model_id text, out kind text, out dimension integer, out request_size integer
)
language sql stable
set search_path to pg_catalog, pg_temp
as $$
select
    coalesce(m.model_config ->> 'input', 'text'),
    case
        when m.model_config ->> 'dimension' ~ '^[0-9]{1,9}([.]0*)?$'
            then (m.model_config ->> 'dimension')::numeric::integer
    end,
    case
        when jsonb_typeof(m.model_config -> 'batch_size') = 'number'
            then greatest(1, (m.model_config ->> 'batch_size')::integer)
        else 32
    end
from polarlens.models as m
where m.model_id = _model_settings.model_id
$$;

comment on function polarlens._model_settings(text) is
'Internal: the settings of a registered model that a refresh reads, with their defaults.';
