-- `alembic -x polar_ai=native` keeps the database's own extension, so there must be one.
do $$
begin
    if not exists (select from pg_extension where extname = 'polar_ai')
        or to_regclass('polar_ai.permit_key') is not null then
        raise exception 'this database has no extension polar_ai of its own to keep'
        using hint = 'Leave out -x polar_ai=native.';
    end if;
end
$$;
