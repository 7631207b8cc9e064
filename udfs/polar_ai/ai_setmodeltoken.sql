-- The statement may hold a token: should it fail, it does not go to the server's log.
create or replace function polar_ai.ai_setmodeltoken(model_id text, model_token text) returns boolean
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
set log_min_error_statement to 'panic'
as $$
declare
    -- Only % is a wildcard: _ stands for itself, as built-in ids begin with it.
    v_pattern text := replace(replace(ai_setmodeltoken.model_id, '\', '\\'), '_', '\_');
    v_id text;
    v_found boolean := false;
begin
    for v_id in select m.model_id from polar_ai.models as m where m.model_id like v_pattern order by m.model_id loop
        perform polar_ai._store_token(v_id, ai_setmodeltoken.model_token);
        v_found := true;
    end loop;
    return v_found;
end
$$;

comment on function polar_ai.ai_setmodeltoken(text, text) is
'Sets the token of a model, or of every model that an id with % matches (_dashscope%). False where none does.
env:NAME is read from the database server''s environment at each call and never stored; an empty token is removed. A
statement with a token in it may be logged: scripts/set_token sets one without. For polar_ai_admin.';

revoke all on function polar_ai.ai_setmodeltoken(text, text) from public;
grant execute on function polar_ai.ai_setmodeltoken(text, text) to polar_ai_admin;
