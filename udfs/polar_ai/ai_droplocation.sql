create or replace function polar_ai.ai_droplocation(name text) returns boolean
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
declare
    v_seq bigint;
begin
    delete from polar_ai.locations as l where l.name = ai_droplocation.name returning l.location_seq into v_seq;
    if v_seq is null then
        return false;
    end if;
    execute format('drop function polar_ai._permit_location_%s()', v_seq);
    return true;
end
$$;

comment on function polar_ai.ai_droplocation(text) is
'Forgets a location and its secret; the objects, and the paths in staging tables, stay. False where there is no such
location. For polar_ai_admin.';

revoke all on function polar_ai.ai_droplocation(text) from public;
grant execute on function polar_ai.ai_droplocation(text) to polar_ai_admin;
