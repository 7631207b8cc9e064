{#- Embeds what is pending, batch by batch, each committed, with a line of progress every few seconds. -#}
{% macro _embed_pending(settings, run) %}
    {% do polarlens._reuse_embedded(settings, run) %}
    {% do polarlens._list_pending(settings) %}
    {% do run.update({'total': settings.total, 'pending': settings.total}) %}
    {% do polarlens._set_phase(run, 'embedding') %}
    {% do adapter.commit() %}
    {% do polarlens._ensure_table(settings, run) %}
    {% do polarlens._distribute(settings) %}
    {% do settings.update({'landing': polarlens._landing(settings)}) %}
    {% do polarlens._check_contract(settings, run) %}
    {% set at = {
        'done': 0, 'size': [polarlens._largest_batch(settings), 2 * settings.request_size] | min,
        'in_flight': settings.requests_in_flight, 'fault': none
    } %}
    {% for _ in range(settings.asked) if at.done < settings.asked %}
        {% do polarlens._run_outside_transaction(polarlens._batches_sql(settings, run, at)) %}
        {% do at.update(fromjson(polarlens._query_value("select current_setting('polarlens.batches')"))) %}
        {% do run.update({'embedded': at.embedded, 'failed': at.failed, 'pending': settings.total - at.done}) %}
        {% if at.fault is not none %}
            {% do polarlens._fail_run(settings, run, at.fault) %}
        {% endif %}
        {% do polarlens._log_progress(settings, run, at.done) %}
    {% endfor %}
    {% do polarlens._copy_twins(settings, run) %}
    {% do run.update({
        'pending': 0, 'unchanged': settings.sources_count - run.embedded - run.failed - settings.waiting,
        'failed': run.failed + settings.waiting
    }) %}
    {% do polarlens._query(polarlens._progress_sql(run, run.pending, run.embedded, run.failed)) %}
    {% do adapter.commit() %}
{% endmacro %}


{#- Half a batch is written while the other half is under way: together they are what a kill can cost. -#}
{% macro _largest_batch(settings) %}
    {{ return([settings.batch_size // 2, 1] | max) }}
{% endmacro %}


{#- Some seconds of batches, each committed, in one statement: between two statements, while dbt thinks, the model would
    be left waiting. What came of them is left in the session's setting polarlens.batches. -#}
{% macro _batches_sql(settings, run, at) %}
{%- set most = polarlens._largest_batch(settings) %}
{%- set model = polarlens._literal(settings.model) %}
do $polarlens_batches$
declare
    v_first bigint := {{ at.done }};
    v_last bigint;
    v_ahead bigint;
    v_size bigint := {{ at.size }};
    v_next_size bigint;
    v_in_flight integer := {{ at.in_flight }};
    v_embedded bigint := {{ run.embedded }};
    v_failed bigint := {{ run.failed }};
    v_fault text;
    v_counts record;
    v_began constant timestamptz := clock_timestamp() - {{ (modules.datetime.datetime.now() - run.started_embedding).total_seconds() }} * interval '1 second';
    v_until constant timestamptz := clock_timestamp() + interval '{{ 5 if at.done else 2 }} seconds';
begin
    loop
        v_last := least(v_first + v_size, {{ settings.asked }});
        -- The next batch takes about two seconds, so that there is news even from a slow model; in whole requests.
        v_next_size := least({{ most }}, v_size * 2, (
            select 2 * v_first / extract(epoch from clock_timestamp() - v_began) where v_first > 0
        )::bigint);
        v_next_size := greatest(v_next_size - v_next_size % {{ settings.request_size }}, {{ [most, 2 * settings.request_size] | min }});
        v_ahead := least(v_last + {{ 'v_next_size' if settings.batch_size > 1 else 0 }}, {{ settings.asked }});

        {{ polarlens._batch_sql(settings) }}
        into strict v_counts;
        v_fault := v_counts.fault;
        {{ polarlens._write_landed_sql(settings) }}

        {{ polarlens._progress_sql(run, settings.total ~ ' - v_last', 'v_embedded + v_counts.embedded', 'v_failed + v_counts.failed') }};
        if (select m.fingerprint from {{ polarlens._runtime() }}._model({{ model }}) as m) is distinct from {{ polarlens._literal(settings.fingerprint) }} then
            rollback;
            v_fault := 'model ' || {{ model }} || ' changed while it was embedding; what came of it meanwhile was dropped';
            exit;
        end if;
        commit;

        v_embedded := v_embedded + v_counts.embedded;
        v_failed := v_failed + v_counts.failed;
        v_first := v_last;
        v_size := v_next_size;
        exit when v_fault is not null or v_first >= {{ settings.asked }} or clock_timestamp() > v_until;
        v_in_flight := {{ polarlens._share_of_requests(settings) }};
    end loop;

    perform set_config('polarlens.batches', json_build_object(
        'done', v_first, 'size', v_size, 'in_flight', v_in_flight, 'embedded', v_embedded, 'failed', v_failed, 'fault', v_fault
    )::text, false);
end
$polarlens_batches$
{% endmacro %}


{#- Makes the table, or gives its vectors the dimension that was not known when it was made for no rows. -#}
{% macro _ensure_table(settings, run) %}
    {% set known = polarlens._query_value(
        "select case when atttypmod > 1 or (atttypmod = 1 and atttypid <> 'bit'::regtype) then atttypmod end
        from pg_attribute where attname = 'embedding' and attrelid = " ~ polarlens._literal(settings.work) ~ "::regclass"
    ) if settings.work_exists else none %}
    {% do settings.update({'dimension': known}) %}
    {% if not known and (settings.asked > 0 or not settings.work_exists) %}
        {% set dimension = polarlens._model_dimension(settings, run) %}
        {% if not settings.work_exists %}
            {% set key_type = polarlens._query_value(
                "select format_type(atttypid, atttypmod) from pg_attribute where attrelid = '" ~ settings.pending ~ "'::regclass and attname = 'key'"
            ) %}
            {% do polarlens._create_embedding_table(settings, key_type, dimension) %}
        {% elif dimension %}
            {% do polarlens._query(
                "alter table " ~ settings.work ~ " alter column embedding type " ~ settings.storage ~ "(" ~ dimension ~ ")
                using embedding::" ~ settings.storage ~ "(" ~ dimension ~ ")"
            ) %}
            {% do settings.update({'dimension': dimension}) %}
        {% endif %}
        {% do adapter.commit() %}
    {% endif %}
{% endmacro %}


{#- The dimension that the registry declares, or that the first input the model can take comes back with. -#}
{% macro _model_dimension(settings, run) %}
    {% if settings.declared %}{{ return(settings.declared) }}{% endif %}
    {% set found = namespace(dimension=none) %}
    {#- One input is enough, unless it is a bad one: what is asked here is asked again. -#}
    {% for first in [0] + range(1, settings.asked, 32) | list if found.dimension is none and first < settings.asked %}
        {% set row = polarlens._query(
            "with batch as materialized (" ~ polarlens._batch_inputs(settings, first, 1 if first == 0 else first + 32) ~ ")
            select e.item, e.error ->> 'message' as message, vector_dims(e.embedding::vector) as dimension
            from " ~ polarlens._runtime() ~ "._embed_ahead(
                " ~ polarlens._literal(settings.model) ~ ", (select array_agg(b.input order by b.item) from batch as b),
                null, " ~ settings.requests_in_flight ~ ", null
            ) as e
            order by e.embedding is null, e.item limit 1"
        ) %}
        {% if row | length > 0 and row[0]['item'] == 0 %}
            {% do polarlens._fail_run(settings, run, row[0]['message']) %}
        {% endif %}
        {% set found.dimension = row[0]['dimension'] if row | length > 0 else none %}
    {% endfor %}
    {{ return(found.dimension) }}
{% endmacro %}


{#- The inputs of a batch. Bytes are read now: they were too many to be listed. -#}
{% macro _batch_inputs(settings, first, last) -%}
    select row_number() over (order by p.n) as item, p.key, {{ 's' if settings.bytes else 'p' }}.input, p.source_version
    from {{ settings.pending }} as p
    {%- if settings.bytes %}
    left join {{ settings.sources }} as s on p.key = s.key
    {%- endif %}
    where p.n > {{ first }} and p.n <= {{ last }}
{%- endmacro %}


{#- One batch in one statement: every answer lands in the table or in the errors. In the variables of batches_sql. -#}
{% macro _batch_sql(settings) %}
{%- set key = adapter.quote(settings.key) %}
{%- set relation = polarlens._literal(settings.relation) %}
with batch as materialized (
    {{ polarlens._batch_inputs(settings, 'v_first', 'v_last') }}
),

-- What the next batch is going to ask, so that the model has it while this one is written.
ahead as materialized (
    {{ polarlens._batch_inputs(settings, 'v_last', 'v_ahead') }}
),

answers as materialized (
    select a.item, a.embedding, a.error
    from {{ polarlens._runtime() }}._embed_ahead(
        {{ polarlens._literal(settings.model) }},
        (select array_agg(b.input order by b.item) from batch as b),
        (select array_agg(b.input order by b.item) from ahead as b),
        v_in_flight, {{ settings.dimension or 'null' }}
    ) as a
),

vectors as materialized (
    select b.key, b.source_version, a.item, a.embedding::vector as embedding
    from answers as a
    inner join batch as b on a.item = b.item
    where a.error is null
),

written as (
    insert into {{ settings.landing }} as t ({{ key }}, source_version, model_fingerprint, embedding)
    select v.key, v.source_version, {{ polarlens._literal(settings.fingerprint) }}, {{ polarlens._stored('v.embedding', settings, settings.dimension) }}
    from vectors as v
    where vector_norm(v.embedding) > 0
    {{ polarlens._on_conflict_replace(key) }}
    returning t.{{ key }} as key
),

errors as (
    select
        b.key, b.source_version, b.input,
        coalesce(a.error, '{"stage": "response", "message": "the model returned an embedding of zeros", "sqlstate": "08P01"}') as error
    from batch as b
    inner join answers as a on b.item = a.item
    left join vectors as v on b.item = v.item
    where a.error is not null or vector_norm(v.embedding) = 0
),

failed as (
    insert into polarlens.embedding_errors as e (
        relation, source_key, source_version, input, stage, message, sqlstate, next_attempt_at
    )
    select
        {{ relation }}, x.key::text, x.source_version::text,
        -- PolarDB's oss:// URLs hold a secret before their @.
        {{ "octet_length(x.input) || ' bytes'" if settings.bytes else "left(regexp_replace(x.input, '^oss:.*@', 'oss://', 'i'), 1000)" }},
        coalesce(x.error ->> 'stage', 'request'), x.error ->> 'message', x.error ->> 'sqlstate',
        -- What is not allowed yet is tried as soon as it is.
        case when x.error ->> 'sqlstate' = '42501' then now() else now() + interval '1 minute' end
    from errors as x
    on conflict (relation, source_key) do update set
        source_version = excluded.source_version,
        input = excluded.input,
        stage = excluded.stage,
        message = excluded.message,
        sqlstate = excluded.sqlstate,
        attempts = case when e.source_version = excluded.source_version then e.attempts + 1 else 1 end,
        last_failed_at = now(),
        -- 1, 2, 4 … minutes, up to a day.
        next_attempt_at = case when excluded.sqlstate = '42501' then now() else now() + interval '1 minute' * least(
            1440, 2 ^ least(11, case when e.source_version = excluded.source_version then e.attempts else 0 end)
        ) end
    returning 1
),

cleared as (
    delete from polarlens.embedding_errors as e
    using written as w
    where e.relation = {{ relation }} and e.source_key = w.key::text
)

select
    (select count(*) from written) as embedded,
    (select count(*) from failed) as failed,
    (select a.error ->> 'message' from answers as a where a.item = 0) as fault
{% endmacro %}
