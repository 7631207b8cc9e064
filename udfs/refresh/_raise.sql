-- Raises in PL/pgSQL, because an error raised in PL/Python would show the client a Python traceback.
create or replace function polarlens._raise(error jsonb) returns void
language plpgsql
set search_path to pg_catalog, pg_temp
as $$
declare
    v_state text := coalesce(error ->> 'sqlstate', 'XX000');
    v_message text := error ->> 'message';
    v_detail text := error ->> 'detail';
    v_hint text := error ->> 'hint';
begin
    if v_detail is not null and v_hint is not null then
        raise exception using errcode = v_state, message = v_message, detail = v_detail, hint = v_hint;
    elsif v_detail is not null then
        raise exception using errcode = v_state, message = v_message, detail = v_detail;
    elsif v_hint is not null then
        raise exception using errcode = v_state, message = v_message, hint = v_hint;
    end if;
    raise exception using errcode = v_state, message = v_message;
end
$$;

comment on function polarlens._raise(jsonb) is
'Raises the error that the runtime describes: {"message", "sqlstate", "detail", "hint"}.';
