-- No search_path of its own, like ai_callmodel and for its reason.
create or replace function polar_ai.ai_testmodel(
    model_id text, out ok boolean, out dimension integer, out milliseconds double precision, out error text
)
language plpgsql
as $$
declare
    v_model record;
    v_started pg_catalog.timestamptz;
    v_probed record;
    v_result pg_catalog.jsonb;
begin
    select m.* into v_model from polar_ai._model(ai_testmodel.model_id) as m;
    v_started := pg_catalog.clock_timestamp();
    if v_model.in_fn is null
        and coalesce(v_model.model_type, '') operator(pg_catalog.<>) all (array['text-generation', 'text-classification']) then
        select p.dimension, p.error into v_probed from polar_ai._probe(ai_testmodel.model_id, v_model.permit) as p;
        -- A cancel ends the statement.
        if (v_probed.error operator(pg_catalog.->>) 'sqlstate') operator(pg_catalog.~) '^57' then
            perform polarlens._raise(v_probed.error);
        end if;
        dimension := v_probed.dimension;
        error := v_probed.error operator(pg_catalog.->>) 'message';
    else
        begin
            v_result := polar_ai.ai_callmodel(ai_testmodel.model_id, 'polarlens'::pg_catalog.text);
            dimension := case
                when pg_catalog.jsonb_typeof(v_result) operator(pg_catalog.=) 'array'
                    then pg_catalog.jsonb_array_length(v_result)
            end;
        exception when others then
            error := sqlerrm;
        end;
    end if;
    ok := error is null;
    milliseconds := extract(epoch from pg_catalog.clock_timestamp() operator(pg_catalog.-) v_started)
        operator(pg_catalog.*) 1000;
end
$$;

comment on function polar_ai.ai_testmodel(text) is
'Tries a model with one round trip: a word for a text model, a small picture for an image model. ok, the dimension of what
comes back, the milliseconds it took, and the error where it failed. A model with its own transform functions is given the text
''polarlens''. Errors: 42704 no such model, 42501 not granted.';

revoke all on function polar_ai.ai_testmodel(text) from public;
grant execute on function polar_ai.ai_testmodel(text) to polar_ai_user, polar_ai_admin;
