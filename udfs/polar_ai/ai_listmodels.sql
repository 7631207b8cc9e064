create or replace function polar_ai.ai_listmodels() returns table (
    model_seq bigint,
    model_id text,
    model_provider text,
    model_type text,
    model_name text,
    model_url text,
    input text,
    dimension integer,
    token text,
    callable boolean,
    fingerprint text
)
language sql stable
set search_path to pg_catalog, pg_temp
as $$
select
    v.model_seq,
    v.model_id,
    v.model_provider,
    v.model_type,
    v.model_name,
    v.model_url,
    v.model_config ->> 'input',
    -- Whatever stands there: the list is for finding out.
    case when v.model_config ->> 'dimension' ~ '^[0-9]{1,9}$' then (v.model_config ->> 'dimension')::integer end,
    case when v.model_config ->> 'token' = '' then 'not set' else 'set' end,
    may.call,
    case when may.call then (select m.fingerprint from polar_ai._model(v.model_id) as m) end
from polar_ai._ai_models as v
cross join lateral (
    select has_function_privilege(format('polar_ai._permit_%s()', v.model_seq), 'execute') as call
) as may
order by v.model_seq
$$;

comment on function polar_ai.ai_listmodels() is
'The registered models: what they embed, where they are, whether a token is set, whether the current role may call
them, and the fingerprint that tells their embeddings from those of another model under the same id.';

revoke all on function polar_ai.ai_listmodels() from public;
grant execute on function polar_ai.ai_listmodels() to polar_ai_user, polar_ai_admin;
