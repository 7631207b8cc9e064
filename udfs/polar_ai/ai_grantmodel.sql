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
'Lets a role call a model; the role also needs polar_ai_user for the functions. A new model may be called by
polar_ai_user. For polar_ai_admin. Errors: 42704 no such model or role.';

revoke all on function polar_ai.ai_grantmodel(text, text) from public;
grant execute on function polar_ai.ai_grantmodel(text, text) to polar_ai_admin;
