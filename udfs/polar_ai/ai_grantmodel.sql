create or replace function polar_ai.ai_grantmodel(model_id text, grantee text) returns boolean
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
begin
    execute format(
        'grant execute on function polar_ai._permit_%s() to %I', polar_ai._model_seq(ai_grantmodel.model_id), grantee
    );
    return true;
end
$$;

comment on function polar_ai.ai_grantmodel(text, text) is
'Lets a role call a model; the role also needs polar_ai_user for the functions. A new model may be called by polar_ai_user.
For polar_ai_admin. Errors: 42704 no such model or role.';

revoke all on function polar_ai.ai_grantmodel(text, text) from public;
grant execute on function polar_ai.ai_grantmodel(text, text) to polar_ai_admin;

create or replace function polar_ai.ai_revokemodel(model_id text, grantee text) returns boolean
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
begin
    execute format(
        'revoke execute on function polar_ai._permit_%s() from %I', polar_ai._model_seq(ai_revokemodel.model_id), grantee
    );
    return true;
end
$$;

comment on function polar_ai.ai_revokemodel(text, text) is
'Takes the right to call a model from a role; from polar_ai_user, to leave it only to those that were granted it by name.
For polar_ai_admin. Errors: 42704 no such model or role.';

revoke all on function polar_ai.ai_revokemodel(text, text) from public;
grant execute on function polar_ai.ai_revokemodel(text, text) to polar_ai_admin;

create or replace function polar_ai._model_seq(model_id text) returns bigint
language plpgsql stable
set search_path to pg_catalog, pg_temp
as $$
declare
    v_seq bigint;
begin
    select m.model_seq into v_seq from polar_ai.models as m where m.model_id = _model_seq.model_id;
    if not found then
        raise exception 'there is no model %', coalesce(_model_seq.model_id, 'NULL') using errcode = 'undefined_object';
    end if;
    return v_seq;
end
$$;

comment on function polar_ai._model_seq(text) is 'Internal: the number of a registered model, or an error.';

revoke all on function polar_ai._model_seq(text) from public;
