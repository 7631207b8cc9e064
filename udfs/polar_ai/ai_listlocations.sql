create or replace function polar_ai.ai_listlocations() returns table (
    name text, url text, options jsonb, secret text, usable boolean, updated_at timestamptz
)
language sql stable
set search_path to pg_catalog, pg_temp
as $$
select
    l.name,
    l.url,
    l.options,
    coalesce(polar_ai._location_secret(l.name), 'not set'),
    has_function_privilege(format('polar_ai._permit_location_%s()', l.location_seq), 'execute'),
    l.updated_at
from polar_ai.locations as l
order by l.name
$$;

comment on function polar_ai.ai_listlocations() is
'The locations: where they are, whether a secret is set (never the secret; env:NAME where it is read from the server''s
environment), and whether the current role may use them.';

revoke all on function polar_ai.ai_listlocations() from public;
grant execute on function polar_ai.ai_listlocations() to polar_ai_user, polar_ai_admin;
