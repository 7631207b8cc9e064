-- Shows dbt the native registry, without the tokens.
create or replace view polarlens.models as
select
    m.model_id,
    m.model_url,
    m.model_provider,
    m.model_name,
    coalesce(m.model_config::text::jsonb, '{}') - 'token' as model_config
from polar_ai._ai_models as m;

comment on view polarlens.models is 'The models of PolarDB''s own extension polar_ai, without their tokens.';
comment on column polarlens.models.model_id is 'What SQL calls the model by.';
comment on column polarlens.models.model_url is 'Where request bodies are posted to.';
comment on column polarlens.models.model_provider is 'Free text.';
comment on column polarlens.models.model_name is 'The service''s own name of the model.';
comment on column polarlens.models.model_config is
'input, dimension, logit_scale and whatever else was registered; never the token.';

revoke all on polarlens.models from public;
grant select on polarlens.models to polar_ai_user, polar_ai_admin;
