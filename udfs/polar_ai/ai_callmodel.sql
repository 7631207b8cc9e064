-- Does not pin search_path, because transform functions must find what their caller finds: the internal function takes
-- the caller's search_path as an argument. A body of qualified names without operators cannot be shadowed.
create or replace function polar_ai.ai_callmodel(model_id text, content anyelement) returns jsonb
language sql
as $$
select polar_ai._call_model(
    ai_callmodel.model_id, ai_callmodel.content, pg_catalog.current_setting('search_path')
)
$$;

comment on function polar_ai.ai_callmodel(text, anyelement) is
'Calls a registered model: model_in_transform_fn(model_name, content) makes the request body, the answer goes through
model_out_transform_fn(model_id, response), whose value is returned. Both run with the caller''s rights. A model of
a known provider needs no functions and returns the embedding as a JSON array. Content may have any type: cast
literals (''x''::text). Never NULL: where the model gives no result, an error says what it answered. Errors: 42704
no such model, 08001/08006 service not reached or broken off, 08P01 bad answer, 28000 token refused, 53000
overloaded, 22004 no content.';

revoke all on function polar_ai.ai_callmodel(text, anyelement) from public;
grant execute on function polar_ai.ai_callmodel(text, anyelement) to polar_ai_user, polar_ai_admin;
