-- Does not pin search_path: see ai_callmodel.
create or replace function polar_ai.ai_callmodel_raw(
    model_id text, content text, out status integer, out headers jsonb, out body text, out milliseconds double precision
)
language sql
as $$
select
    r.status,
    r.headers,
    r.body,
    r.milliseconds
from polar_ai._call_model_raw(
    ai_callmodel_raw.model_id, ai_callmodel_raw.content, pg_catalog.current_setting('search_path')
) as r
$$;

comment on function polar_ai.ai_callmodel_raw(text, text) is
'For finding out what is wrong with a model: sends the request that ai_callmodel would and returns the answer as it
came, HTTP status, headers, body and milliseconds, without judging it. Errors: as ai_callmodel, where no answer came
at all.';

revoke all on function polar_ai.ai_callmodel_raw(text, text) from public;
grant execute on function polar_ai.ai_callmodel_raw(text, text) to polar_ai_user, polar_ai_admin;
