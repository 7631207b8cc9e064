create or replace function polar_ai.ai_modelcachelists() returns text
language sql
set search_path to pg_catalog, pg_temp
as $$
select format('model cache count %s, cache list is : %s', cardinality(c.ids), array_to_string(c.ids, ';') || ';')
from polar_ai._cached_models() as c (ids)
$$;

comment on function polar_ai.ai_modelcachelists() is
'The models whose registration this session keeps, the latest last: at most polar.ai.lru_entity_size (default 4).';

revoke all on function polar_ai.ai_modelcachelists() from public;
grant execute on function polar_ai.ai_modelcachelists() to polar_ai_user, polar_ai_admin;
