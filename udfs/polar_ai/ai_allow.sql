create or replace function polar_ai.ai_allow(entry text, note text default null) returns boolean
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
declare
    v_entry text := btrim(ai_allow.entry);
    v_host constant text := '\[[0-9A-Fa-f:.]+\]|[^][/\\?#@:[:space:]]+';
    v_port constant text := ':[0-9]{1,4}|:[1-5][0-9]{4}|:6[0-5][0-9]{3}';
begin
    if v_entry is null or v_entry !~ format('^(https?://(%s)(%s)?(/[^?#\\]*)?|file:///.*)$', v_host, v_port) then
        raise exception 'cannot allow %: not an entry of the allow-list', coalesce(quote_literal(v_entry), 'NULL')
        using errcode = 'invalid_parameter_value',
        hint = 'Write file:///folder, https://host[:port][/prefix], https://*.domain, or https://* for all public '
            'hosts.';
    end if;
    insert into polar_ai.allow_list as a (entry, note)
    values (v_entry, ai_allow.note)
    on conflict on constraint allow_list_pkey do nothing;
    return found;
end
$$;

comment on function polar_ai.ai_allow(text, text) is
'Adds an entry to the allow-list of what models and files may be reached: file:///folder, https://host[:port][/prefix],
https://*.domain, or https://* for any host. Private, loopback and link-local addresses are reached only by entries
without a *. True where the entry is new. For polar_ai_admin.';

revoke all on function polar_ai.ai_allow(text, text) from public;
grant execute on function polar_ai.ai_allow(text, text) to polar_ai_admin;
