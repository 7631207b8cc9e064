-- Does not pin search_path: see ai_callmodel.
create or replace function polar_ai.ai_callmodels(
    model_id text, contents text[], in_flight integer default 4
) returns table (item integer, embedding real[], error text, sqlstate text)
language sql
as $$
select
    e.item,
    e.embedding,
    e.error,
    e.sqlstate
from polar_ai._call_models(
    ai_callmodels.model_id, ai_callmodels.contents, ai_callmodels.in_flight, pg_catalog.current_setting('search_path')
) as e
$$;

comment on function polar_ai.ai_callmodels(text, text[], integer) is
'Embeds many inputs in as few requests as the model allows, in_flight of them at once (default 4). One row for each,
in order: its embedding as the model returns it, or its error and SQLSTATE; a bad item fails none of its neighbours.
A model with its own transform functions batches where model_config.batch says how its request bodies merge:
{"items": "data", "results": "data", "max": 32}. A fault of the whole batch (service down, token refused, wrong
dimension) is raised. Errors: as ai_callmodel.';

revoke all on function polar_ai.ai_callmodels(text, text[], integer) from public;
grant execute on function polar_ai.ai_callmodels(text, text[], integer) to polar_ai_user, polar_ai_admin;
