-- Some services report a failure in an answer with status 200, so a missing result is an error.
create or replace function polar_ai._check_result(model_id text, result jsonb, response jsonb) returns void
language plpgsql
set search_path to pg_catalog, pg_temp
as $$
declare
    v_said text;
begin
    if result is not null and result not in ('null', '[]', '""') then
        return;
    end if;
    v_said := coalesce(
        response #>> '{header,status,exception,args,0}', response #>> '{header,status,description}',
        response #>> '{error,message}', response ->> 'errMessage', response ->> 'message', response ->> 'detail'
    );
    raise exception 'calling model %: it returned no result%', model_id, coalesce(': ' || left(v_said, 300), '')
    using errcode = 'protocol_violation',
    detail = 'The service answered: ' || left(response::text, 300),
    hint = 'Is the input one that the model can take?';
end
$$;

comment on function polar_ai._check_result(text, jsonb, jsonb) is
'Internal: raises an error where a model call yielded NULL, an empty array or an empty string.';
