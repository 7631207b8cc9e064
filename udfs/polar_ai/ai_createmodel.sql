-- The statement may hold a token: should it fail, it does not go to the server's log.
create or replace function polar_ai.ai_createmodel(
    model_id text,
    model_url text,
    model_provider text default null,
    model_type text default null,
    model_name text default null,
    model_config json default null,
    model_headers_fn regprocedure default null,
    model_in_transform_fn regprocedure default null,
    model_out_transform_fn regprocedure default null
) returns polar_ai.created_model
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
set log_min_error_statement to 'panic'
as $$
declare
    v_config jsonb := coalesce(ai_createmodel.model_config::jsonb, '{}');
    v_seq bigint;
begin
    if starts_with(ai_createmodel.model_id, '_') then
        raise exception 'cannot register %: ids that start with _ are reserved for built-in models',
            ai_createmodel.model_id
        using errcode = 'invalid_parameter_value';
    end if;
    perform polar_ai._check_model(
        ai_createmodel.model_id, ai_createmodel.model_url, ai_createmodel.model_provider, v_config,
        ai_createmodel.model_headers_fn, ai_createmodel.model_in_transform_fn, ai_createmodel.model_out_transform_fn
    );

    insert into polar_ai.models (
        model_id, model_url, model_provider, model_type, model_name, model_config,
        model_headers_fn, model_in_transform_fn, model_out_transform_fn
    )
    values (
        ai_createmodel.model_id, ai_createmodel.model_url, ai_createmodel.model_provider, ai_createmodel.model_type,
        coalesce(ai_createmodel.model_name, ai_createmodel.model_id), v_config - 'token' - 'author_type',
        ai_createmodel.model_headers_fn::text, ai_createmodel.model_in_transform_fn::text,
        ai_createmodel.model_out_transform_fn::text
    )
    on conflict on constraint models_pkey do nothing
    returning model_seq into v_seq;

    if v_seq is not null then
        perform polar_ai._create_permit(ai_createmodel.model_id, v_seq);
        perform polar_ai._store_token(ai_createmodel.model_id, v_config ->> 'token');
    end if;

    return (
        v_seq, 'polar_ai'::text, ai_createmodel.model_id, 'polar_ai.' || quote_ident(ai_createmodel.model_id),
        v_seq is not null
    )::polar_ai.created_model;
end
$$;

comment on function polar_ai.ai_createmodel(
    text, text, text, text, text, json, regprocedure, regprocedure, regprocedure
) is
'Registers a model; never calls it. created is false where the id exists already (nothing is changed then).
model_url: http or https. model_config: {"author_type": "token", "token": …} and, of ours, input (text or image),
dimension, image_size (pixels of the short side), image_fit (short_side, or a square: crop its centre, stretch),
batch_size (items a request), logit_scale. A token env:NAME is read from the database server''s environment at each
call. The transform functions, in(model text, content) and out(model_id text, response jsonb), return jsonb; a known
provider (@providers@) needs none. For polar_ai_admin. Errors: 22023, 22004, 42883.';

revoke all on function polar_ai.ai_createmodel(
    text, text, text, text, text, json, regprocedure, regprocedure, regprocedure
) from public;
grant execute on function polar_ai.ai_createmodel(
    text, text, text, text, text, json, regprocedure, regprocedure, regprocedure
) to polar_ai_admin;
