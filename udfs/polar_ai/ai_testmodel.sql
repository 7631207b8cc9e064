-- Does not pin search_path: see ai_callmodel.
create or replace function polar_ai.ai_testmodel(
    model_id text, out ok boolean, out dimension integer, out milliseconds double precision, out error text
)
language sql
as $$
select
    t.ok,
    t.dimension,
    t.milliseconds,
    t.error
from polar_ai._test_model(ai_testmodel.model_id, pg_catalog.current_setting('search_path')) as t
$$;

comment on function polar_ai.ai_testmodel(text) is
'Tries a model with one round trip: a word for a text model, a small picture for an image model. ok, the dimension of
what comes back, the milliseconds it took, and the error where it failed. A model with its own transform functions
is given the text ''polarlens''. Errors: 42704 no such model, 42501 not granted.';

revoke all on function polar_ai.ai_testmodel(text) from public;
grant execute on function polar_ai.ai_testmodel(text) to polar_ai_user, polar_ai_admin;
