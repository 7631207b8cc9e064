-- Reads the registry with the caller's rights, and so without the token.
create or replace function polar_ai._model(
    model_id text,
    out model_name text, out model_type text, out in_fn text, out in_call text, out out_call text,
    out headers_call text, out fingerprint text, out permit text, out model_config jsonb
)
language plpgsql stable
set search_path to pg_catalog, pg_temp
as $$
declare
    v_model polar_ai.models;
begin
    select m.* into v_model from polar_ai.models as m where m.model_id = _model.model_id;
    if not found then
        raise exception 'there is no model %', coalesce(_model.model_id, 'NULL')
        using errcode = 'undefined_object',
        hint = 'select model_id from polar_ai._ai_models; lists the registered ones.';
    end if;
    if not has_function_privilege(format('polar_ai._permit_%s()', v_model.model_seq), 'execute') then
        raise exception 'permission denied for model %', _model.model_id
        using errcode = 'insufficient_privilege',
        hint = format(
            'An administrator can grant it: select polar_ai.ai_grantmodel(%L, %L);', _model.model_id, current_user
        );
    end if;
    execute format('select polar_ai._permit_%s()', v_model.model_seq) into permit;
    if v_model.model_config ->> 'input' = 'image' then
        permit := permit || polar_ai._location_permits();
    end if;
    model_name := v_model.model_name;
    model_config := v_model.model_config;
    model_type := lower(v_model.model_type);
    in_fn := polar_ai._function_name(_model.model_id, v_model.model_in_transform_fn);
    in_call := in_fn || '($1, $2)';
    out_call := polar_ai._function_name(_model.model_id, v_model.model_out_transform_fn) || '($1, $2)';
    headers_call := polar_ai._function_name(_model.model_id, v_model.model_headers_fn) || (
        select case p.pronargs when 0 then '()' when 1 then '($1)' else '($1, $2)' end
        from pg_proc as p
        where p.oid = to_regprocedure(v_model.model_headers_fn)
    );
    fingerprint := polarlens._model_fingerprint(
        v_model.model_provider, v_model.model_name, v_model.model_config,
        jsonb_build_array(
            (select p.prosrc from pg_proc as p where p.oid = to_regprocedure(v_model.model_in_transform_fn)),
            (select p.prosrc from pg_proc as p where p.oid = to_regprocedure(v_model.model_out_transform_fn))
        )
    );
end
$$;

comment on function polar_ai._model(text) is
'Internal: a model''s name, its transform functions ready to call, and its fingerprint: what the embeddings depend on
(provider, name, dimension, preprocessing, transform functions), but not where it runs; and the permit that the
functions running as the owner ask for, followed, for a model of images, by those of the locations that it may load
from. And its settings. Errors: 42704 no such model, 42501 not granted to the current role.';

create or replace function polar_ai._function_name(model_id text, signature text) returns text
language plpgsql stable
set search_path to pg_catalog, pg_temp
as $$
declare
    v_function pg_proc;
    v_other regprocedure;
begin
    if signature is null then
        return null;
    end if;
    select p.* into v_function from pg_proc as p where p.oid = to_regprocedure(signature);
    if not found then
        raise exception 'model %: its function % is gone', model_id, signature
        using errcode = 'undefined_function', hint = 'Create it again, or register the model with another one.';
    end if;
    -- It is called by its name: an overload that fits better would run in its place, with the caller's rights.
    select p.oid into v_other
    from pg_proc as p
    where p.proname = v_function.proname and p.pronamespace = v_function.pronamespace
        and p.proowner <> v_function.proowner and not (select r.rolsuper from pg_roles as r where r.oid = p.proowner);
    if found then
        raise exception 'model %: somebody else has a function % beside %', model_id, v_other, signature
        using errcode = 'ambiguous_function',
        hint = 'Drop that one, or keep transform functions in a schema where nobody else may create any.';
    end if;
    return format(
        '%I.%I', (select n.nspname from pg_namespace as n where n.oid = v_function.pronamespace), v_function.proname
    );
end
$$;

comment on function polar_ai._function_name(text, text) is
'Internal: the qualified name behind a stored signature; an error where it was dropped, or where another might be
called.';

create or replace function polar_ai._model_seq(model_id text) returns bigint
language plpgsql stable
set search_path to pg_catalog, pg_temp
as $$
declare
    v_seq bigint;
begin
    select m.model_seq into v_seq from polar_ai.models as m where m.model_id = _model_seq.model_id;
    if not found then
        raise exception 'there is no model %', coalesce(_model_seq.model_id, 'NULL') using errcode = 'undefined_object';
    end if;
    return v_seq;
end
$$;

comment on function polar_ai._model_seq(text) is 'Internal: the number of a registered model, or an error.';
