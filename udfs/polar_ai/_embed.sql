-- The work for models of a known provider: loaded, asked and checked in threads, as the owner for the token's sake.
create or replace function polar_ai._embed_provider(
    model_id text, permit text, inputs text[], ahead text[], in_flight integer, dimension integer
) returns table (item integer, embedding text, error jsonb)
language plpython3u
security definer
set search_path to pg_catalog, pg_temp
as $$
if "@runtime@" not in GD: plpy.execute("select polar_ai._load_runtime()")
return GD["@runtime@"].embed(plpy, model_id, permit, inputs, ahead, in_flight, dimension)
$$;

comment on function polar_ai._embed_provider(text, text, text[], text[], integer, integer) is
'Internal: the work of _embed_ahead.';

revoke all on function polar_ai._embed_provider(text, text, text[], text[], integer, integer) from public;
grant execute on function polar_ai._embed_provider(text, text, text[], text[], integer, integer)
to polar_ai_user, polar_ai_admin;

-- The same for pictures that lie in the database.
create or replace function polar_ai._embed_bytes(
    model_id text, permit text, inputs bytea[], ahead bytea[], in_flight integer, dimension integer
) returns table (item integer, embedding text, error jsonb)
language plpython3u
security definer
set search_path to pg_catalog, pg_temp
as $$
if "@runtime@" not in GD: plpy.execute("select polar_ai._load_runtime()")
return GD["@runtime@"].embed(plpy, model_id, permit, inputs, ahead, in_flight, dimension)
$$;

comment on function polar_ai._embed_bytes(text, text, bytea[], bytea[], integer, integer) is
'Internal: the work of _embed_ahead.';

revoke all on function polar_ai._embed_bytes(text, text, bytea[], bytea[], integer, integer) from public;
grant execute on function polar_ai._embed_bytes(text, text, bytea[], bytea[], integer, integer)
to polar_ai_user, polar_ai_admin;

-- No search_path of its own, like ai_callmodel and for its reason. text[] or bytea[].
create or replace function polar_ai._embed_ahead(
    model_id text, inputs anyarray, ahead anyarray, in_flight integer, dimension integer
) returns table (item integer, embedding text, error jsonb)
language plpgsql
as $$
declare
    v_model record;
    v_result pg_catalog.jsonb;
begin
    select m.* into v_model from polar_ai._model(_embed_ahead.model_id) as m;
    if v_model.in_fn is null then
        if pg_catalog.pg_typeof(_embed_ahead.inputs) operator(pg_catalog.=) 'bytea[]'::pg_catalog.regtype then
            return query
            select e.item, e.embedding, e.error
            from polar_ai._embed_bytes(
                _embed_ahead.model_id, v_model.permit, _embed_ahead.inputs, _embed_ahead.ahead, _embed_ahead.in_flight, _embed_ahead.dimension
            ) as e;
        else
            return query
            select e.item, e.embedding, e.error
            from polar_ai._embed_provider(
                _embed_ahead.model_id, v_model.permit, _embed_ahead.inputs, _embed_ahead.ahead, _embed_ahead.in_flight, _embed_ahead.dimension
            ) as e;
        end if;
        return;
    end if;
    -- Functions of the caller's run in the session itself: nothing can be begun ahead of its turn.
    for item, v_result, error in
        select c.item, c.result, c.error
        from polar_ai._call_many(_embed_ahead.model_id, _embed_ahead.inputs, _embed_ahead.in_flight) as c
    loop
        embedding := null;
        if item operator(pg_catalog.>) 0 and error is null then
            error := polar_ai._embedding_error(_embed_ahead.model_id, v_result);
            if error is null and pg_catalog.jsonb_array_length(v_result) operator(pg_catalog.<>) dimension then
                error := pg_catalog.jsonb_build_object('scope', 'batch', 'sqlstate', '08P01', 'message', pg_catalog.format(
                    'model %s returned an embedding of %s dimensions, not %s',
                    _embed_ahead.model_id, pg_catalog.jsonb_array_length(v_result), dimension
                ));
            end if;
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

comment on function polar_ai._embed_ahead(text, anyarray, anyarray, integer, integer) is
'Internal: embeds a batch of inputs (text[] or bytea[]). One row for each: its embedding as a literal, or its error.
ahead is the next batch, begun now so that the model never waits. A fault of the whole batch (service down, token refused,
wrong dimension, a cancel) is a row with item 0; inputs that it left unanswered have none.';

revoke all on function polar_ai._embed_ahead(text, anyarray, anyarray, integer, integer) from public;
grant execute on function polar_ai._embed_ahead(text, anyarray, anyarray, integer, integer) to polar_ai_user, polar_ai_admin;

-- One batch by itself. No search_path of its own, like ai_callmodel and for its reason.
create or replace function polar_ai._embed(
    model_id text, inputs text[], in_flight integer default null
) returns table (item integer, embedding text, error jsonb)
language plpgsql
as $$
begin
    for item, embedding, error in
        select e.item, e.embedding, e.error
        from polar_ai._embed_ahead(_embed.model_id, _embed.inputs, null, _embed.in_flight, null) as e
    loop
        -- A cancel is no fault of the batch: it ends the statement.
        if item operator(pg_catalog.=) 0 and (error operator(pg_catalog.->>) 'sqlstate') operator(pg_catalog.~) '^57' then
            perform polar_ai._raise(error);
        end if;
        return next;
    end loop;
end
$$;

comment on function polar_ai._embed(text, text[], integer) is
'Internal: one batch of inputs by itself. One row for each: its embedding as a literal, or its error; a fault of the whole
batch is a row with item 0. A cancel is raised.';

revoke all on function polar_ai._embed(text, text[], integer) from public;
grant execute on function polar_ai._embed(text, text[], integer) to polar_ai_user, polar_ai_admin;
