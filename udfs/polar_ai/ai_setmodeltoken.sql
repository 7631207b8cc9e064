create or replace function polar_ai._seal_token(token text, out sealed text, out error jsonb)
language plpython3u
security definer
set search_path to pg_catalog, pg_temp
as $$
if "@runtime@" not in GD: plpy.execute("select polar_ai._load_runtime()")
return GD["@runtime@"].seal_token(plpy, token)
$$;

comment on function polar_ai._seal_token(text) is
'Internal: a token as it is stored, encrypted where the server''s environment has POLARLENS_TOKEN_KEY.';

revoke all on function polar_ai._seal_token(text) from public;

-- The one place that stores a token.
create or replace function polar_ai._store_token(model_id text, token text) returns void
language plpgsql
set search_path to pg_catalog, pg_temp
as $$
declare
    v_sealed record;
begin
    if coalesce(token, '') = '' then
        delete from polar_ai.model_secrets as s where s.model_id = _store_token.model_id;
        return;
    end if;
    select t.sealed, t.error into v_sealed from polar_ai._seal_token(token) as t;
    if v_sealed.error is not null then
        perform polar_ai._raise(v_sealed.error);
    end if;
    insert into polar_ai.model_secrets as s (model_id, token)
    values (_store_token.model_id, v_sealed.sealed)
    on conflict on constraint model_secrets_pkey do update set token = excluded.token;
end
$$;

comment on function polar_ai._store_token(text, text) is 'Internal: stores a model''s token; an empty one is removed.';

revoke all on function polar_ai._store_token(text, text) from public;

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
'Sets the token of a model, or of every model that an id with % matches (_dashscope%). False where none does. env:NAME is read
from the database server''s environment at each call and never stored; an empty token is removed. A statement with a token in
it may be logged: scripts/set_token sets one without. For polar_ai_admin.';

revoke all on function polar_ai.ai_setmodeltoken(text, text) from public;
grant execute on function polar_ai.ai_setmodeltoken(text, text) to polar_ai_admin;
