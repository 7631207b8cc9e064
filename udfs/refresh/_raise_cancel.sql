create or replace function polarlens._raise_cancel(item integer, error jsonb) returns void
language plpgsql
set search_path to pg_catalog, pg_temp
as $$
begin
    if item = 0 and error ->> 'sqlstate' ~ '^57' then
        perform polarlens._raise(error);
    end if;
end
$$;

comment on function polarlens._raise_cancel(integer, jsonb) is
'Internal: raises the error of a whole batch (item 0) if it is a cancel or a shutdown, which must end the statement.';
