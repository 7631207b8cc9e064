-- No search_path of its own, like ai_callmodel and for its reason.
create or replace function polar_ai.ai_callmodels(
    model_id text, contents text[], in_flight integer default 4
) returns table (item integer, embedding real[], error text, sqlstate text)
language plpgsql
as $$
declare
    v_row record;
begin
    if contents is null then
        return;
    end if;
    for v_row in
        select e.item, e.embedding, e.error from polarlens._embed(ai_callmodels.model_id, contents, in_flight) as e
    loop
        if v_row.item operator(pg_catalog.=) 0 then
            perform polarlens._raise(v_row.error);
        end if;
        item := v_row.item;
        embedding := array(
            -- Too small for 32 bits: the cast would raise an error.
            select case when pg_catalog.abs(u.value) operator(pg_catalog.<) 1.1754944e-38 then 0 else u.value end
            from pg_catalog.unnest(
                pg_catalog.translate(v_row.embedding, '[]', '{}')::pg_catalog.float8[]
            ) with ordinality as u (value, n)
            order by u.n
        )::pg_catalog.float4[];
        if v_row.error is not null then
            embedding := null;
        end if;
        error := v_row.error operator(pg_catalog.->>) 'message';
        sqlstate := v_row.error operator(pg_catalog.->>) 'sqlstate';
        return next;
    end loop;
end
$$;

comment on function polar_ai.ai_callmodels(text, text[], integer) is
'Embeds many inputs in as few requests as the model allows, in_flight of them at once (default 4). One row for each, in order:
its embedding as the model returns it, or its error and SQLSTATE; a bad item fails none of its neighbours. A model with its own
transform functions batches where model_config.batch says how its request bodies merge: {"items": "data", "results": "data",
"max": 32}. A fault of the whole batch (service down, token refused, wrong dimension) is raised. Errors: as ai_callmodel.';

revoke all on function polar_ai.ai_callmodels(text, text[], integer) from public;
grant execute on function polar_ai.ai_callmodels(text, text[], integer) to polar_ai_user, polar_ai_admin;
