-- The registry as PolarDB shows it. A token shows only as set or not.
create or replace view polar_ai._ai_models as
select
    m.model_seq,
    'polar_ai'::text as model_schema,
    m.model_id,
    'polar_ai.' || quote_ident(m.model_id) as model_qname,
    m.model_url,
    m.model_provider,
    m.model_type,
    m.model_name,
    m.model_config || jsonb_build_object(
        'author_type', 'token', 'token', case when s.token <> '' then '********' else '' end
    ) as model_config,
    to_regprocedure(m.model_headers_fn) as model_headers_fn,
    to_regprocedure(m.model_in_transform_fn) as model_in_transform_fn,
    to_regprocedure(m.model_out_transform_fn) as model_out_transform_fn
from polar_ai.models as m
left join polar_ai.model_secrets as s on m.model_id = s.model_id;

comment on view polar_ai._ai_models is
'The registered models. model_config shows the token as ******** where one is set, and as '''' where none is.';

comment on column polar_ai._ai_models.model_seq is 'Order of registration.';
comment on column polar_ai._ai_models.model_schema is 'Always polar_ai.';
comment on column polar_ai._ai_models.model_id is 'What SQL calls the model by.';
comment on column polar_ai._ai_models.model_qname is 'Schema and id, quoted where that is needed.';
comment on column polar_ai._ai_models.model_url is 'Where request bodies are posted to.';
comment on column polar_ai._ai_models.model_provider is
'The wire contract, or free text where there are transform functions.';
comment on column polar_ai._ai_models.model_type is 'Free text, for example embedding.';
comment on column polar_ai._ai_models.model_name is 'The service''s own name of the model.';
comment on column polar_ai._ai_models.model_config is 'The settings; the token shows only as set or not.';
comment on column polar_ai._ai_models.model_headers_fn is
'Makes additional request headers; NULL where it is not set, or was dropped.';
comment on column polar_ai._ai_models.model_in_transform_fn is
'Makes the request body; NULL where it is not set, or was dropped.';
comment on column polar_ai._ai_models.model_out_transform_fn is
'Reads the response; NULL where it is not set, or was dropped.';

revoke all on polar_ai._ai_models from public;
grant select on polar_ai._ai_models to polar_ai_user, polar_ai_admin;
