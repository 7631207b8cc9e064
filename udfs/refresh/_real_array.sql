create or replace function polarlens._real_array(embedding jsonb) returns real[]
language plpgsql immutable
set search_path to pg_catalog, pg_temp
as $$
begin
    return array(
        -- The cast raises an error for numbers that are too small for 32 bits.
        select case when abs(e.value::numeric) < 1.1754944e-38 then 0 else e.value::real end
        from jsonb_array_elements_text(embedding) with ordinality as e
        order by e.ordinality
    );
end
$$;

comment on function polarlens._real_array(jsonb) is
'Internal: an embedding, a JSON array of numbers, as an array of reals.';
