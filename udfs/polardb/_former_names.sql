-- Search functions that dbt built before version 0.1.0 call this name: they have to work between the upgrade of the
-- database and its first `dbt run`, which replaces them.
create or replace function polarlens.ai_embedding(model_id text, content text) returns real[]
language sql
as $$ select polarlens._query_embedding(model_id, content) $$;

comment on function polarlens.ai_embedding(text, text) is 'Internal: the former name of polarlens._query_embedding.';

revoke all on function polarlens.ai_embedding(text, text) from public;
grant execute on function polarlens.ai_embedding(text, text) to polar_ai_user, polar_ai_admin;
