create or replace function polar_ai.ai_presignurl(path text, valid_for interval default '1 hour') returns text
language plpgsql strict
set search_path to pg_catalog, pg_temp
as $$
declare
    v_seconds double precision := extract(epoch from valid_for);
    v_signed record;
begin
    if v_seconds < 1 or v_seconds > 604800 then
        raise exception 'cannot sign a URL for %: from one second to seven days is possible', valid_for
        using errcode = 'invalid_parameter_value';
    end if;
    select s.url, s.error into v_signed
    from polar_ai._presign_url(path, v_seconds::integer, polar_ai._location_permits(split_part(path, ':', 1))) as s;
    if v_signed.error is not null then
        perform polar_ai._raise_loading(v_signed.error, path);
    end if;
    return v_signed.url;
end
$$;

comment on function polar_ai.ai_presignurl(text, interval) is
'A URL that shows one photo of a location to whoever has it, for valid_for (default an hour, at most seven days): for
pages and BI tools. Nothing is asked of the store, so that the photo need not exist. A public web address comes back
as it is. Errors: 42501 not granted, 58P01 no such location, 22023 where there is nothing to sign: files of the
server, and Azure, whose signatures here would allow writing too.';

revoke all on function polar_ai.ai_presignurl(text, interval) from public;
grant execute on function polar_ai.ai_presignurl(text, interval) to polar_ai_user, polar_ai_admin;
