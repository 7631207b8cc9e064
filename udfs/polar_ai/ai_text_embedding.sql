-- Does not pin search_path: see ai_callmodel.
create or replace function polar_ai.ai_text_embedding(
    content text, model_id text default '_dashscope/text_embedding/text_embedding_v2'
) returns real[]
language sql strict
as $$
select polar_ai.ai_embedding(ai_text_embedding.model_id, ai_text_embedding.content)
$$;

comment on function polar_ai.ai_text_embedding(text, text) is
'A text''s embedding, as the model returns it; without a model_id by the built-in
_dashscope/text_embedding/text_embedding_v2, which needs a token. NULL for NULL. Errors: as ai_callmodel; 22004 for
an empty text.';

revoke all on function polar_ai.ai_text_embedding(text, text) from public;
grant execute on function polar_ai.ai_text_embedding(text, text) to polar_ai_user, polar_ai_admin;

-- The same for many texts.
create or replace function polar_ai.ai_text_embedding(
    contents text[], model_id text default '_dashscope/text_embedding/text_embedding_v2'
) returns table (item integer, embedding real[], error text)
language sql strict
as $$
select
    e.item,
    e.embedding,
    e.error
from polar_ai.ai_callmodels(ai_text_embedding.model_id, ai_text_embedding.contents) as e
$$;

comment on function polar_ai.ai_text_embedding(text[], text) is
'The embeddings of many texts, in as few requests as the model allows: one row each, in order, with its embedding or
its error. Errors: as ai_callmodels.';

revoke all on function polar_ai.ai_text_embedding(text[], text) from public;
grant execute on function polar_ai.ai_text_embedding(text[], text) to polar_ai_user, polar_ai_admin;
