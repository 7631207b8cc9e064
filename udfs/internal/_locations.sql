-- A role may use a location if it may execute the location's function _permit_location_N(): see _permits.sql. No model
-- id begins with the prefix of the text behind a location's permit, so the permit of one cannot pass for the other's.
create or replace function polar_ai._create_location_permit(location_name text, location_seq bigint) returns void
language plpgsql
set search_path to pg_catalog, pg_temp
as $$
declare
    v_name text := format('polar_ai._permit_location_%s()', location_seq);
begin
    execute format(
        'create function %s returns text language sql stable security definer set search_path to pg_catalog, pg_temp '
        'return polar_ai._permit(%L)', v_name, '_location ' || location_name
    );
    execute format(
        'comment on function %s is %L', v_name,
        format('Who may execute this may use the location %s.', location_name)
    );
    execute format('revoke all on function %s from public', v_name);
    execute format('grant execute on function %s to polar_ai_admin', v_name);
end
$$;

comment on function polar_ai._create_location_permit(text, bigint) is
'Internal: makes a location usable by polar_ai_admin, and by nobody else until ai_grantlocation says so.';

create or replace function polar_ai._location_permits(location_name text default null) returns text
language plpgsql stable
set search_path to pg_catalog, pg_temp
as $$
declare
    v_location record;
    v_permit text;
    v_permits text := '';
begin
    for v_location in
        select l.name, format('polar_ai._permit_location_%s()', l.location_seq) as function
        from polar_ai.locations as l
        where _location_permits.location_name is null or l.name = _location_permits.location_name
    loop
        if has_function_privilege(v_location.function, 'execute') then
            execute 'select ' || v_location.function into v_permit;
            v_permits := v_permits || format(' %s:%s', v_location.name, v_permit);
        end if;
    end loop;
    return v_permits;
end
$$;

comment on function polar_ai._location_permits(text) is
'Internal: " name:permit" for each location (or for the one named) that the caller may use; what the functions that
run as the owner ask for.';

create or replace function polar_ai._location_seq(location_name text) returns bigint
language plpgsql stable
set search_path to pg_catalog, pg_temp
as $$
declare
    v_seq bigint;
begin
    select l.location_seq into v_seq from polar_ai.locations as l where l.name = _location_seq.location_name;
    if not found then
        raise exception 'there is no location %', coalesce(_location_seq.location_name, 'NULL')
        using errcode = 'undefined_object', hint = 'select name from polar_ai.ai_listlocations(); lists them.';
    end if;
    return v_seq;
end
$$;

comment on function polar_ai._location_seq(text) is 'Internal: the number of a location, or an error.';

create or replace function polar_ai._check_location(
    location_name text, url text, options text, secret text
) returns jsonb
language plpython3u stable
set search_path to pg_catalog, pg_temp
as $$
if "@runtime@" not in GD: plpy.execute("select polar_ai._load_runtime()")
return GD["@runtime@"].check_location(plpy, location_name, url, options, secret)
$$;

comment on function polar_ai._check_location(text, text, text, text) is
'Internal: what is wrong with a location''s name, URL and options, as the error to raise, or NULL.';

-- Runs as the owner, because nobody else may see if there is a secret.
create or replace function polar_ai._location_secret(location_name text) returns text
language sql stable
security definer
set search_path to pg_catalog, pg_temp
as $$
select case when s.secret like 'env:%' then s.secret else 'set' end
from polar_ai.location_secrets as s
where s.name = location_name
$$;

comment on function polar_ai._location_secret(text) is
'Internal: set, or env:NAME, where a location has a secret; never the secret.';
