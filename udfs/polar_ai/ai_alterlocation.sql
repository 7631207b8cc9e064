-- The statement may hold a secret: should it fail, it does not go to the server's log.
create or replace function polar_ai.ai_alterlocation(
    name text, url text default null, options jsonb default null, secret text default null
) returns boolean
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
set log_min_error_statement to 'panic'
as $$
declare
    v_old polar_ai.locations;
    v_url text;
    v_options jsonb;
    v_kept text;
    v_error jsonb;
begin
    select l.* into v_old from polar_ai.locations as l where l.name = ai_alterlocation.name for update;
    if not found then
        return false;
    end if;
    v_url := coalesce(ai_alterlocation.url, v_old.url);
    v_options := coalesce(ai_alterlocation.options, v_old.options);
    -- What is stored, sealed or not, says that there is a secret: the check looks at no more.
    select s.secret into v_kept from polar_ai.location_secrets as s where s.name = ai_alterlocation.name;
    v_error := polar_ai._check_location(
        ai_alterlocation.name, v_url, v_options::text, coalesce(ai_alterlocation.secret, v_kept)
    );
    if v_error is not null then
        perform polarlens._raise(v_error);
    end if;
    update polar_ai.locations as l
    set url = v_url, options = v_options, updated_at = now()
    where l.name = ai_alterlocation.name;
    if ai_alterlocation.secret is not null then
        perform polar_ai._store_location_secret(ai_alterlocation.name, ai_alterlocation.secret);
    end if;
    return true;
end
$$;

comment on function polar_ai.ai_alterlocation(text, text, jsonb, text) is
'Changes a location; a NULL argument leaves its part as it is, options are replaced as a whole, and an empty secret
is removed. False where there is no such location. For polar_ai_admin. Errors as ai_createlocation.';

revoke all on function polar_ai.ai_alterlocation(text, text, jsonb, text) from public;
grant execute on function polar_ai.ai_alterlocation(text, text, jsonb, text) to polar_ai_admin;
