create or replace function polar_ai.ai_testlocation(
    name text, out ok boolean, out path text, out milliseconds double precision, out error text, out detail text
)
language plpgsql
set search_path to pg_catalog, pg_temp
as $$
declare
    v_started timestamptz := clock_timestamp();
    v_tested record;
begin
    perform polar_ai._location_seq(ai_testlocation.name);
    select t.path, t.error into v_tested
    from polar_ai._test_location(ai_testlocation.name, polar_ai._location_permits(ai_testlocation.name)) as t;
    -- A cancel ends the statement, and so does what is no fault of the place.
    if v_tested.error ->> 'sqlstate' ~ '^57|^42501' then
        perform polarlens._raise(v_tested.error);
    end if;
    ok := v_tested.error is null;
    path := v_tested.path;
    milliseconds := extract(epoch from clock_timestamp() - v_started) * 1000;
    error := v_tested.error ->> 'message';
    detail := v_tested.error ->> 'detail';
end
$$;

comment on function polar_ai.ai_testlocation(text) is
'Tries a location: lists it, and reads the first object that the listing names (path; NULL where there is none, or
where it is a web server, which has no listing). ok, or the error and what the store said. Errors: 42704 no such
location, 42501 not granted.';

revoke all on function polar_ai.ai_testlocation(text) from public;
grant execute on function polar_ai.ai_testlocation(text) to polar_ai_user, polar_ai_admin;
