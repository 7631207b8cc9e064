-- The statement may hold a token: should it fail, it does not go to the server's log.
create or replace function polar_ai.ai_altermodel(
    model_id text,
    model_url text default null,
    model_provider text default null,
    model_type text default null,
    model_name text default null,
    model_config text default null,
    model_headers_fn regprocedure default null,
    model_in_transform_fn regprocedure default null,
    model_out_transform_fn regprocedure default null
) returns boolean
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
set log_min_error_statement to 'panic'
as $$
declare
    v_old polar_ai.models;
    v_config jsonb;
begin
    select m.* into v_old from polar_ai.models as m where m.model_id = ai_altermodel.model_id for update;
    if not found then
        return false;
    end if;
    begin
        v_config := coalesce(ai_altermodel.model_config::jsonb, v_old.model_config);
    exception when data_exception then
        -- PostgreSQL's own message would repeat what may be a token.
        raise exception 'cannot alter %: model_config is not JSON', ai_altermodel.model_id
        using errcode = 'invalid_text_representation';
    end;

    perform polar_ai._check_model(
        ai_altermodel.model_id,
        coalesce(ai_altermodel.model_url, v_old.model_url),
        coalesce(ai_altermodel.model_provider, v_old.model_provider),
        v_config,
        coalesce(ai_altermodel.model_headers_fn, to_regprocedure(v_old.model_headers_fn)),
        coalesce(ai_altermodel.model_in_transform_fn, to_regprocedure(v_old.model_in_transform_fn)),
        coalesce(ai_altermodel.model_out_transform_fn, to_regprocedure(v_old.model_out_transform_fn))
    );

    update polar_ai.models as m
    set
        model_url = coalesce(ai_altermodel.model_url, m.model_url),
        model_provider = coalesce(ai_altermodel.model_provider, m.model_provider),
        model_type = coalesce(ai_altermodel.model_type, m.model_type),
        model_name = coalesce(ai_altermodel.model_name, m.model_name),
        model_config = v_config - 'token' - 'author_type',
        model_headers_fn = coalesce(ai_altermodel.model_headers_fn::text, m.model_headers_fn),
        model_in_transform_fn = coalesce(ai_altermodel.model_in_transform_fn::text, m.model_in_transform_fn),
        model_out_transform_fn = coalesce(ai_altermodel.model_out_transform_fn::text, m.model_out_transform_fn),
        updated_at = now()
    where m.model_id = ai_altermodel.model_id;

    if v_config ? 'token' then
        perform polar_ai._store_token(ai_altermodel.model_id, v_config ->> 'token');
    end if;
    return true;
end
$$;

comment on function polar_ai.ai_altermodel(
    text, text, text, text, text, text, regprocedure, regprocedure, regprocedure
) is
'Changes a registered model; a NULL argument leaves its field as it is. False where there is no such model. A
model_config without a token leaves the token as it is. Embeddings of the old model are told apart by its
fingerprint and replaced by the next refresh. For polar_ai_admin. Errors as ai_createmodel.';

revoke all on function polar_ai.ai_altermodel(
    text, text, text, text, text, text, regprocedure, regprocedure, regprocedure
) from public;
grant execute on function polar_ai.ai_altermodel(
    text, text, text, text, text, text, regprocedure, regprocedure, regprocedure
) to polar_ai_admin;
