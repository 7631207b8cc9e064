-- Checks a registration; every error says what to write instead.
create or replace function polar_ai._check_model(
    model_id text,
    model_url text,
    model_provider text,
    model_config jsonb,
    model_headers_fn regprocedure,
    model_in_transform_fn regprocedure,
    model_out_transform_fn regprocedure
) returns void
language plpgsql stable
set search_path to pg_catalog, pg_temp
as $$
declare
    v_input text := model_config ->> 'input';
    v_known constant text[] := string_to_array('@providers@', ', ');
begin
    if coalesce(model_id, '') = '' then
        raise exception 'a model needs a model_id' using errcode = 'null_value_not_allowed';
    elsif coalesce(model_url, '') !~* '^https?://[^/[:space:]]+' then
        raise exception 'cannot register %: model_url is not an http or https URL', model_id
        using errcode = case when model_url is null then 'null_value_not_allowed' else 'invalid_parameter_value' end,
        hint = 'For example http://127.0.0.1:51000/post.';
    elsif model_url ~ '^[^:]*://[^/?#]*@' then
        raise exception 'cannot register %: model_url holds a user name, which everybody could read there', model_id
        using errcode = 'invalid_parameter_value', hint = 'Set a token, or send it with model_headers_fn.';
    elsif jsonb_typeof(model_config) <> 'object' then
        raise exception 'cannot register %: model_config is not a JSON object', model_id
        using errcode = 'invalid_parameter_value', hint = 'For example {"author_type": "token", "token": ""}.';
    elsif coalesce(model_config ->> 'author_type', 'token') <> 'token' then
        raise exception 'cannot register %: author_type is %, but only token is known',
            model_id, model_config ->> 'author_type'
        using errcode = 'invalid_parameter_value';
    elsif v_input not in ('text', 'image') then
        raise exception 'cannot register %: model_config.input is %, not text or image', model_id, v_input
        using errcode = 'invalid_parameter_value';
    elsif (model_in_transform_fn is null) <> (model_out_transform_fn is null) then
        raise exception 'cannot register %: give both transform functions, or neither', model_id
        using errcode = 'null_value_not_allowed';
    elsif model_in_transform_fn is null and not coalesce(lower(model_provider) = any(v_known), false) then
        raise exception 'cannot register %: it has no transform functions, and its provider % is not a known one',
            model_id, coalesce(quote_literal(model_provider), 'NULL')
        using errcode = 'null_value_not_allowed',
        hint = format('Give both functions, or one of the known providers: %s.', array_to_string(v_known, ', '));
    end if;

    perform polar_ai._check_transform(model_id, 'model_in_transform_fn', model_in_transform_fn, 2);
    perform polar_ai._check_transform(model_id, 'model_out_transform_fn', model_out_transform_fn, 2);
    perform polar_ai._check_transform(model_id, 'model_headers_fn', model_headers_fn, null);
end
$$;

comment on function polar_ai._check_model(text, text, text, jsonb, regprocedure, regprocedure, regprocedure) is
'Internal: raises an error for a registration that could not work.';

-- A transform function of the wrong shape fails at registration, not at the first call.
create or replace function polar_ai._check_transform(
    model_id text, argument text, transform regprocedure, arguments integer
) returns void
language plpgsql stable
set search_path to pg_catalog, pg_temp
as $$
declare
    v_shape record;
begin
    if transform is null then
        return;
    end if;
    select p.pronargs, p.prorettype, p.proretset into v_shape from pg_proc as p where p.oid = transform;
    if v_shape.prorettype not in ('jsonb'::regtype, 'json'::regtype) or v_shape.proretset
        or v_shape.pronargs <> coalesce(arguments, v_shape.pronargs) or v_shape.pronargs > 2 then
        raise exception 'cannot register %: % is %, which does not have the shape of a transform function',
            model_id, argument, transform
        using errcode = 'invalid_function_definition',
        hint = 'in: (model text, content) returns jsonb; out: (model_id text, response jsonb) returns jsonb; '
            'headers: () or (model_id text) or (model_id text, body jsonb) returns jsonb.';
    end if;
end
$$;

comment on function polar_ai._check_transform(text, text, regprocedure, integer) is
'Internal: raises an error for a transform function of the wrong shape.';
