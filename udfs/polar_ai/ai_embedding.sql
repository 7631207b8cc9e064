-- Does not pin search_path: see ai_callmodel.
create or replace function polar_ai.ai_embedding(model_id text, content text) returns real[]
language sql
as $$
select polar_ai._embedding(
    ai_embedding.model_id, ai_embedding.content, pg_catalog.current_setting('search_path')
)
$$;

comment on function polar_ai.ai_embedding(text, text) is
'One input''s embedding as the model returns it (not normalised): a text for a text model, a path or URL for an image
model. The embedding of a text is kept in the session for the next call. Errors as ai_callmodel; 22004 for an empty
input.';

revoke all on function polar_ai.ai_embedding(text, text) from public;
grant execute on function polar_ai.ai_embedding(text, text) to polar_ai_user, polar_ai_admin;
