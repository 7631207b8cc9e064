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
        perform polarlens._raise(v_sealed.error);
    end if;
    insert into polar_ai.model_secrets as s (model_id, token)
    values (_store_token.model_id, v_sealed.sealed)
    on conflict on constraint model_secrets_pkey do update set token = excluded.token;
end
$$;

comment on function polar_ai._store_token(text, text) is 'Internal: stores a model''s token; an empty one is removed.';

create or replace function polar_ai._store_location_secret(location_name text, secret text) returns void
language plpgsql
set search_path to pg_catalog, pg_temp
as $$
declare
    v_sealed record;
begin
    if coalesce(secret, '') = '' then
        delete from polar_ai.location_secrets as s where s.name = _store_location_secret.location_name;
        return;
    end if;
    select t.sealed, t.error into v_sealed from polar_ai._seal_token(secret) as t;
    if v_sealed.error is not null then
        perform polarlens._raise(v_sealed.error);
    end if;
    insert into polar_ai.location_secrets as s (name, secret)
    values (_store_location_secret.location_name, v_sealed.sealed)
    on conflict on constraint location_secrets_pkey do update set secret = excluded.secret;
end
$$;

comment on function polar_ai._store_location_secret(text, text) is
'Internal: stores a location''s secret, encrypted where the server has POLARLENS_TOKEN_KEY; an empty one is removed.';
