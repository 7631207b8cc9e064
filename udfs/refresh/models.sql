-- The columns of the registry that dbt reads. udfs/polardb/models.sql reads the same from PolarDB's registry.
create or replace view polarlens.models as
select
    m.model_id,
    m.model_url,
    m.model_provider,
    m.model_name,
    m.model_config
from polar_ai.models as m;

comment on view polarlens.models is 'The registered models, without their tokens: what dbt reads of the registry.';
comment on column polarlens.models.model_id is 'What SQL calls the model by.';
comment on column polarlens.models.model_url is 'Where request bodies are posted to.';
comment on column polarlens.models.model_provider is
'The wire contract, or free text where there are transform functions.';
comment on column polarlens.models.model_name is 'The service''s own name of the model.';
comment on column polarlens.models.model_config is 'input, dimension, logit_scale and other settings; never the token.';

revoke all on polarlens.models from public;
grant select on polarlens.models to polar_ai_user, polar_ai_admin;
