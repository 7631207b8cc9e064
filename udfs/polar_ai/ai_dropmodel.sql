create or replace function polar_ai.ai_dropmodel(model_id text) returns boolean
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
declare
    v_seq bigint;
begin
    if starts_with(ai_dropmodel.model_id, '_') then
        raise exception 'cannot drop %: it is a built-in model', ai_dropmodel.model_id
        using errcode = 'insufficient_privilege';
    end if;
    delete from polar_ai.models as m where m.model_id = ai_dropmodel.model_id returning m.model_seq into v_seq;
    if v_seq is null then
        return false;
    end if;
    execute format('drop function polar_ai._permit_%s()', v_seq);
    return true;
end
$$;

comment on function polar_ai.ai_dropmodel(text) is
'Removes a model and its token from the registry. False where there is no such model. Embeddings already stored stay.
For polar_ai_admin. Errors: 42501 for a built-in model.';

revoke all on function polar_ai.ai_dropmodel(text) from public;
grant execute on function polar_ai.ai_dropmodel(text) to polar_ai_admin;
