-- Does not pin search_path: see ai_callmodel.
create or replace function polar_ai.ai_text_classification(
    content text, model_id text default '_dashscope/text-classfication/opennlu-v1'
) returns text
language sql strict
as $$
select pg_catalog.jsonb_extract_path_text(
    polar_ai.ai_callmodel(ai_text_classification.model_id, ai_text_classification.content), variadic '{}'
)
$$;

comment on function polar_ai.ai_text_classification(text, text) is
'The label that a text gets; without a model_id by the built-in _dashscope/text-classfication/opennlu-v1 (spelled as
PolarDB spells it), which needs a token. The labels to choose from are model_config.labels, by default those of the
vendor''s example, 积极 and 消极 (positive, negative). NULL for NULL. Errors: as ai_callmodel.';

revoke all on function polar_ai.ai_text_classification(text, text) from public;
grant execute on function polar_ai.ai_text_classification(text, text) to polar_ai_user, polar_ai_admin;
