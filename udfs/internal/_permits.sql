-- A role may call a model if it may execute the model's own function _permit_N(), so that PostgreSQL's privileges,
-- their inheritance and SECURITY DEFINER decide. Functions that run as the owner cannot see their caller: they ask for
-- the text that _permit_N() returns, which is valid for one transaction of one session.
create or replace function polar_ai._permit(model_id text) returns text
language sql stable
set search_path to pg_catalog, pg_temp
as $$
select encode(sha256(convert_to(
    concat_ws(' ', k.key, pg_backend_pid(), extract(epoch from transaction_timestamp()), _permit.model_id), 'UTF8'
)), 'hex')
from polar_ai.permit_key as k
$$;

comment on function polar_ai._permit(text) is
'Internal: proves to the functions that run as the owner that the caller may call a model. Only _permit_N() may
execute it.';

create or replace function polar_ai._create_permit(model_id text, model_seq bigint) returns void
language plpgsql
set search_path to pg_catalog, pg_temp
as $$
declare
    v_name text := format('polar_ai._permit_%s()', model_seq);
begin
    execute format(
        'create function %s returns text language sql stable security definer set search_path to pg_catalog, pg_temp '
        'return polar_ai._permit(%L)', v_name, model_id
    );
    execute format(
        'comment on function %s is %L', v_name, format('Who may execute this may call the model %s.', model_id)
    );
    execute format('revoke all on function %s from public', v_name);
    execute format('grant execute on function %s to polar_ai_user', v_name);
end
$$;

comment on function polar_ai._create_permit(text, bigint) is
'Internal: makes a model callable by polar_ai_user, until ai_revokemodel and ai_grantmodel say otherwise.';
