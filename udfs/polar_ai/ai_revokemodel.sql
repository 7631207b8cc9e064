create or replace function polar_ai.ai_revokemodel(model_id text, grantee text) returns boolean
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
begin
    execute format(
        'revoke execute on function polar_ai._permit_%s() from %I',
        polar_ai._model_seq(ai_revokemodel.model_id), grantee
    );
    return true;
end
$$;

comment on function polar_ai.ai_revokemodel(text, text) is
'Takes the right to call a model from a role; from polar_ai_user, to leave it only to those that were granted it by
name. For polar_ai_admin. Errors: 42704 no such model or role.';

revoke all on function polar_ai.ai_revokemodel(text, text) from public;
grant execute on function polar_ai.ai_revokemodel(text, text) to polar_ai_admin;
