-- The work for models of a known provider: loaded, asked and checked in threads, as the owner for the token's sake.
create or replace function polar_ai._embed_provider(
    model_id text, inputs text[], ahead text[], in_flight integer, dimension integer
) returns table (item integer, embedding text, error jsonb)
language plpython3u
security definer
set search_path to pg_catalog, pg_temp
as $$
if "@runtime@" not in GD: plpy.execute("select polar_ai._load_runtime()")
return GD["@runtime@"].embed(plpy, model_id, inputs, ahead, in_flight, dimension)
$$;

comment on function polar_ai._embed_provider(text, text[], text[], integer, integer) is 'Internal: the work of _embed.';

revoke all on function polar_ai._embed_provider(text, text[], text[], integer, integer) from public;
grant execute on function polar_ai._embed_provider(text, text[], text[], integer, integer)
to polar_ai_user, polar_ai_admin;

-- The same for pictures that lie in the database.
create or replace function polar_ai._embed_bytes(
    model_id text, inputs bytea[], ahead bytea[], in_flight integer, dimension integer
) returns table (item integer, embedding text, error jsonb)
language plpython3u
security definer
set search_path to pg_catalog, pg_temp
as $$
if "@runtime@" not in GD: plpy.execute("select polar_ai._load_runtime()")
return GD["@runtime@"].embed(plpy, model_id, inputs, ahead, in_flight, dimension)
$$;

comment on function polar_ai._embed_bytes(text, bytea[], bytea[], integer, integer) is
'Internal: the work of _embed.';

revoke all on function polar_ai._embed_bytes(text, bytea[], bytea[], integer, integer) from public;
grant execute on function polar_ai._embed_bytes(text, bytea[], bytea[], integer, integer)
to polar_ai_user, polar_ai_admin;

-- No search_path of its own, like ai_callmodel and for its reason. text[] or bytea[].
create or replace function polar_ai._embed(
    model_id text, inputs anyarray, ahead anyarray, in_flight integer, dimension integer default null
) returns table (item integer, embedding text, error jsonb)
language plpgsql
as $$
declare
    v_model record;
    v_state text;
    v_message text;
begin
    select m.* into v_model from polar_ai._model(_embed.model_id) as m;
    if v_model.in_fn is null then
        if pg_catalog.pg_typeof(_embed.inputs) operator(pg_catalog.=) 'bytea[]'::pg_catalog.regtype then
            return query
            select e.item, e.embedding, e.error
            from polar_ai._embed_bytes(
                _embed.model_id, _embed.inputs, _embed.ahead, _embed.in_flight, _embed.dimension
            ) as e;
        else
            return query
            select e.item, e.embedding, e.error
            from polar_ai._embed_provider(
                _embed.model_id, _embed.inputs, _embed.ahead, _embed.in_flight, _embed.dimension
            ) as e;
        end if;
        return;
    end if;
    for item in select pg_catalog.generate_subscripts(_embed.inputs, 1) loop
        embedding := null;
        error := null;
        begin
            embedding := polar_ai.ai_callmodel(_embed.model_id, _embed.inputs[item])::pg_catalog.text;
            if embedding operator(pg_catalog.!~) '^\[[-+0-9.eE, ]+\]$' then
                raise exception 'the model returned something else than an embedding: %', pg_catalog.left(embedding, 100)
                using errcode = 'protocol_violation';
            elsif dimension is not null
                and pg_catalog.jsonb_array_length(embedding::pg_catalog.jsonb) operator(pg_catalog.<>) dimension then
                raise exception 'the model returned an embedding of % dimensions, not %',
                    pg_catalog.jsonb_array_length(embedding::pg_catalog.jsonb), dimension
                using errcode = 'connection_exception';
            end if;
        exception
            -- Class 08, 28 and 53: the service or the token, and so the whole batch.
            when connection_exception or connection_failure or sqlclient_unable_to_establish_sqlconnection
                or invalid_authorization_specification or insufficient_resources then
                get stacked diagnostics v_state = returned_sqlstate, v_message = message_text;
                item := 0;
                error := pg_catalog.jsonb_build_object('message', v_message, 'sqlstate', v_state);
            when others then
                get stacked diagnostics v_state = returned_sqlstate, v_message = message_text;
                error := pg_catalog.jsonb_build_object('message', v_message, 'sqlstate', v_state, 'stage', 'request');
        end;
        return next;
        exit when item operator(pg_catalog.=) 0;
    end loop;
end
$$;

comment on function polar_ai._embed(text, anyarray, anyarray, integer, integer) is
'Internal: embeds a batch of inputs (text[] or bytea[]). One row for each: its embedding as a literal, or its error.
ahead is the next batch, begun now so that the model never waits. A fault of the whole batch (service down, token refused,
wrong dimension, a cancel) is a row with item 0; inputs that it left unanswered have none.';

revoke all on function polar_ai._embed(text, anyarray, anyarray, integer, integer) from public;
grant execute on function polar_ai._embed(text, anyarray, anyarray, integer, integer) to polar_ai_user, polar_ai_admin;
