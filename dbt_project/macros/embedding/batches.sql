{#- Embed what is pending, batch by batch, each committed, with a line of progress every few seconds. -#}
{% macro _embed_pending(settings, plan, run) %}
    {#- Half a batch is written while the other half is under way: together they are what a kill can cost. -#}
    {% set largest = [settings.batch_size // 2, 1] | max %}
    {% set smallest = [largest, 2 * plan.request_size] | min %}
    {% set progress = {'done': 0, 'size': smallest, 'in_flight': settings.requests_in_flight, 'began': none} %}
    {#- Jinja knows no while, and no longer range: 100,000 times five seconds are days. -#}
    {% for _ in range([plan.asked, 100000] | min) %}
        {% do polarlens._run_outside_transaction(
            polarlens._batches_sql(settings, plan, run, progress, smallest, largest)
        ) %}
        {% do progress.update(fromjson(polarlens._query_value("select current_setting('polarlens.batches')"))) %}
        {% do run.update({
            'embedded': progress.embedded, 'failed': progress.failed, 'pending': plan.total - progress.done
        }) %}
        {% if progress.fault is not none %}
            {% do polarlens._fail_run(settings, run, progress.fault) %}
        {% endif %}
        {% do log(settings.relation ~ ': ' ~ progress.line, info=True) %}
        {% if progress.done >= plan.asked %}{% break %}{% endif %}
    {% endfor %}
{% endmacro %}


{#- SQL for some seconds of batches, each committed, in one statement: between two statements, while dbt works, the
    model would wait. Leaves the counters and the line of progress in the session's setting polarlens.batches. -#}
{% macro _batches_sql(settings, plan, run, progress, smallest, largest) %}
{%- set model = polarlens._literal(settings.model) %}
{%- set began = polarlens._literal(progress.began) ~ '::timestamptz' if progress.began else 'clock_timestamp()' -%}
do $polarlens_batches$
declare
    v_first bigint := {{ progress.done }};
    v_last bigint;
    v_ahead bigint;
    v_size bigint := {{ progress.size }};
    v_next_size bigint;
    v_in_flight integer := {{ progress.in_flight }};
    v_embedded bigint := {{ run.embedded }};
    v_failed bigint := {{ run.failed }};
    v_fault text;
    v_counts record;
    v_rate numeric;
    v_left interval;
    v_line text;
    v_began constant timestamptz := {{ began }};
    v_until constant timestamptz := clock_timestamp() + interval '{{ 5 if progress.done else 2 }} seconds';
begin
    loop
        v_last := least(v_first + v_size, {{ plan.asked }});
        -- The next batch takes about two seconds, so that there is news even from a slow model; in whole requests.
        v_next_size := least({{ largest }}, v_size * 2, (
            select 2 * v_first / extract(epoch from clock_timestamp() - v_began) where v_first > 0
        )::bigint);
        v_next_size := greatest(v_next_size - v_next_size % {{ plan.request_size }}, {{ smallest }});
        v_ahead := least(v_last + {{ 'v_next_size' if settings.batch_size > 1 else 0 }}, {{ plan.asked }});

        {{ polarlens._batch_sql(settings, plan) | indent(8) }}
        into strict v_counts;
        v_fault := v_counts.fault;
        {{ polarlens._citus_write_buffer_sql(settings, plan) | indent(8) }}

        {{ polarlens._progress_sql(
            run, '%s - v_last' | format(plan.total), 'v_embedded + v_counts.embedded', 'v_failed + v_counts.failed'
        ) | indent(8) }};
        if (select m.fingerprint from polarlens._embedding_model({{ model }}) as m)
            is distinct from {{ polarlens._literal(plan.fingerprint) }} then
            rollback;
            v_fault := format(
                'model %s changed while it was embedding; what came of it meanwhile was dropped', {{ model }}
            );
            exit;
        end if;
        commit;

        v_embedded := v_embedded + v_counts.embedded;
        v_failed := v_failed + v_counts.failed;
        v_first := v_last;
        v_size := v_next_size;
        exit when v_fault is not null or v_first >= {{ plan.asked }} or clock_timestamp() > v_until;
        -- The refreshes that ask the same service share the requests that may be in flight.
        v_in_flight := greatest(1, {{ settings.requests_in_flight }} / greatest(1, (
            select count(*)
            from polarlens.refresh_status as r
            inner join polarlens.models as other on r.model_id = other.model_id
            inner join polarlens.models as ours
                on other.model_url = ours.model_url and ours.model_id = {{ model }}
            where r.status = 'running' and r.phase = 'embedding'
        )));
    end loop;

    v_rate := v_first / nullif(extract(epoch from clock_timestamp() - v_began), 0)::numeric;
    v_left := make_interval(secs => coalesce(floor(({{ plan.asked }} - v_first) / nullif(v_rate, 0)), 0));
    v_line := format(
        '%s of %s, %s/s, %s left%s',
        v_first, {{ plan.asked }}, to_char(coalesce(v_rate, 0), 'FM999999999990.0'), to_char(v_left, 'FMHH24:MI:SS'),
        case when v_failed > 0 then format(', %s failed', v_failed) end
    );
    perform set_config('polarlens.batches', json_build_object(
        'done', v_first, 'size', v_size, 'in_flight', v_in_flight, 'embedded', v_embedded, 'failed', v_failed,
        'fault', v_fault, 'began', v_began, 'line', v_line
    )::text, false);
end
$polarlens_batches$
{% endmacro %}


{#- SQL for the inputs of a batch. Bytes are read only now. -#}
{% macro _batch_inputs(settings, plan, first, last) -%}
select
    row_number() over (order by p.n) as item,
    p.key,
    {{ 's' if plan.bytes else 'p' }}.input,
    p.source_version
from {{ settings.temporary.pending }} as p
{%- if plan.bytes %}
left join {{ settings.temporary.sources }} as s on p.key = s.key
{%- endif %}
where p.n > {{ first }} and p.n <= {{ last }}
{%- endmacro %}
