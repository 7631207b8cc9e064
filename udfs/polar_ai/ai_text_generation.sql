-- Does not pin search_path: see ai_callmodel.
create or replace function polar_ai.ai_text_generation(
    content text, model_id text default '_dashscope/text-generation/deepseek-r1'
) returns text
language sql strict
as $$
select pg_catalog.jsonb_extract_path_text(
    polar_ai.ai_callmodel(ai_text_generation.model_id, ai_text_generation.content), variadic '{}'
)
$$;

comment on function polar_ai.ai_text_generation(text, text) is
'What a language model answers to a text; without a model_id the built-in _dashscope/text-generation/deepseek-r1,
which needs a token. Raise polar.ai.http_timeout_msec for long answers. NULL for NULL. Errors: as ai_callmodel.';

revoke all on function polar_ai.ai_text_generation(text, text) from public;
grant execute on function polar_ai.ai_text_generation(text, text) to polar_ai_user, polar_ai_admin;
