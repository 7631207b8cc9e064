create or replace function polar_ai.ai_disallow(entry text) returns boolean
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
begin
    delete from polar_ai.allow_list as a where a.entry = btrim(ai_disallow.entry);
    return found;
end
$$;

comment on function polar_ai.ai_disallow(text) is
'Removes an entry from the allow-list; true where it was there. For polar_ai_admin.';

revoke all on function polar_ai.ai_disallow(text) from public;
grant execute on function polar_ai.ai_disallow(text) to polar_ai_admin;
