-- The work for models of a known provider: loaded, asked and checked in threads, as the owner for the token's sake.
create or replace function polar_ai._embed_provider(
    model_id text, permit text, inputs text[], in_flight integer
) returns table (item integer, embedding text, error jsonb)
language plpython3u
security definer
set search_path to pg_catalog, pg_temp
as $$
if "@runtime@" not in GD: plpy.execute("select polar_ai._load_runtime()")
return GD["@runtime@"].embed(plpy, model_id, permit, inputs, in_flight)
$$;

comment on function polar_ai._embed_provider(text, text, text[], integer) is 'Internal: the work of _embed.';

revoke all on function polar_ai._embed_provider(text, text, text[], integer) from public;
grant execute on function polar_ai._embed_provider(text, text, text[], integer) to polar_ai_user, polar_ai_admin;

-- No search_path of its own, like ai_callmodel and for its reason.
create or replace function polar_ai._embed(
    model_id text, inputs text[], in_flight integer default 4
) returns table (item integer, embedding text, error jsonb)
language plpgsql
as $$
declare
    v_model record;
    v_result pg_catalog.jsonb;
begin
    select m.* into v_model from polar_ai._model(_embed.model_id) as m;
    if v_model.in_fn is null then
        for item, embedding, error in
            select e.item, e.embedding, e.error
            from polar_ai._embed_provider(_embed.model_id, v_model.permit, _embed.inputs, _embed.in_flight) as e
        loop
            -- A cancel is no fault of the batch: it ends the statement.
            if item operator(pg_catalog.=) 0 and (error operator(pg_catalog.->>) 'sqlstate') operator(pg_catalog.~) '^57' then
                perform polar_ai._raise(error);
            end if;
            return next;
        end loop;
        return;
    end if;
    for item, v_result, error in
        select c.item, c.result, c.error
        from polar_ai._call_many(_embed.model_id, _embed.inputs, _embed.in_flight) as c
    loop
        embedding := null;
        if item operator(pg_catalog.>) 0 and error is null then
            error := polar_ai._embedding_error(_embed.model_id, v_result);
            if error is null then
                embedding := v_result::pg_catalog.text;
            elsif (error operator(pg_catalog.->>) 'scope') operator(pg_catalog.=) 'batch' then
                item := 0;
            end if;
        end if;
        return next;
        exit when item operator(pg_catalog.=) 0;
    end loop;
end
$$;

comment on function polar_ai._embed(text, text[], integer) is
'Internal: embeds a batch of inputs. One row for each, in order: its embedding as a pgvector literal, or its error.
A fault of the whole batch (service down, token refused, wrong dimension) is a row with item 0.';

revoke all on function polar_ai._embed(text, text[], integer) from public;
grant execute on function polar_ai._embed(text, text[], integer) to polar_ai_user, polar_ai_admin;
