create or replace function polar_ai.ai_revokelocation(name text, grantee text) returns boolean
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
begin
    execute format(
        'revoke execute on function polar_ai._permit_location_%s() from %I',
        polar_ai._location_seq(ai_revokelocation.name), ai_revokelocation.grantee
    );
    return true;
end
$$;

comment on function polar_ai.ai_revokelocation(text, text) is
'Takes a location from a role again. URLs that were signed for it go on working until they expire.
For polar_ai_admin. Errors: 42704 no such location or role.';

revoke all on function polar_ai.ai_revokelocation(text, text) from public;
grant execute on function polar_ai.ai_revokelocation(text, text) to polar_ai_admin;
