create or replace function polar_ai.ai_grantlocation(name text, grantee text) returns boolean
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
begin
    execute format(
        'grant execute on function polar_ai._permit_location_%s() to %I',
        polar_ai._location_seq(ai_grantlocation.name), ai_grantlocation.grantee
    );
    return true;
end
$$;

comment on function polar_ai.ai_grantlocation(text, text) is
'Lets a role load, list, sign and embed what is in a location; the role also needs polar_ai_user for the functions. To
polar_ai_user, it opens the location to all of them. For polar_ai_admin. Errors: 42704 no such location or role.';

revoke all on function polar_ai.ai_grantlocation(text, text) from public;
grant execute on function polar_ai.ai_grantlocation(text, text) to polar_ai_admin;
