{#- Take the table's lock for this session: one refresh at a time. A session that is killed gives it back. -#}
{% macro _lock_refresh(settings) %}
    {% set lock_sql %}
        select pg_try_advisory_lock(polarlens._refresh_lock_key({{ polarlens._literal(settings.relation) }}))
    {% endset %}
    {% if not polarlens._query_value(lock_sql) %}
        {% set message = 'another refresh of %s is running; this one stops. '
            ~ 'Watch it: select * from polarlens.refresh_status;' %}
        {% do polarlens._raise_error(message | format(settings.relation)) %}
    {% endif %}
{% endmacro %}


{#- Drop the temporary tables and give the lock back. -#}
{% macro _unlock_refresh(settings) %}
    {% set temporary = settings.temporary %}
    {% call statement() %}
        drop view if exists {{ temporary.sources }};
        drop table if exists
            {{ temporary.changes }}, {{ temporary.pending }}, {{ temporary.duplicates }},
            {{ temporary.previous }}, {{ temporary.batch_buffer }};
        select pg_advisory_unlock(polarlens._refresh_lock_key({{ polarlens._literal(settings.relation) }}))
    {% endcall %}
    {% do adapter.commit() %}
{% endmacro %}


{#- Record the start, for those who watch, and close what killed runs left open. Return the number and the counters. -#}
{% macro _start_run(settings) %}
    {% set start_sql %}
        with closed as (
            update polarlens.refresh_runs
            set status = 'failed', finished_at = updated_at, message = 'ended without a word: killed, or its server was'
            where relation = {{ polarlens._literal(settings.relation) }} and status = 'running'
        )

        insert into polarlens.refresh_runs (relation, model_id)
        values ({{ polarlens._literal(settings.relation) }}, {{ polarlens._literal(settings.model) }})
        returning run_id
    {% endset %}
    {% set run_id = polarlens._query_value(start_sql) %}
    {% do adapter.commit() %}
    {{ return({
        'run_id': run_id,
        'total': 0,
        'pending': 0,
        'embedded': 0,
        'reused': 0,
        'failed': 0,
        'removed': 0,
        'unchanged': 0
    }) }}
{% endmacro %}


{#- Record the phase and commit it, for those who watch. -#}
{% macro _set_phase(run, phase) %}
    {% call statement() %}
        update polarlens.refresh_runs
        set phase = '{{ phase }}', total = {{ run.total }}, pending = {{ run.pending }}, removed = {{ run.removed }}
        where run_id = {{ run.run_id }}
    {% endcall %}
    {% do adapter.commit() %}
{% endmacro %}


{#- SQL that records the counters, for those who watch. -#}
{% macro _progress_sql(run, pending, embedded, failed) -%}
update polarlens.refresh_runs
set updated_at = clock_timestamp(), pending = {{ pending }}, embedded = {{ embedded }}, reused = {{ run.reused }},
    failed = {{ failed }}, removed = {{ run.removed }}, unchanged = {{ run.unchanged }}
where run_id = {{ run.run_id }}
{%- endmacro %}


{#- Count what became of every source, now that all are dealt with, and record it. -#}
{% macro _record_results(plan, run) %}
    {% do run.update({
        'pending': 0,
        'unchanged': plan.sources_count - run.embedded - run.failed - plan.postponed_count,
        'failed': run.failed + plan.postponed_count
    }) %}
    {% call statement() %}{{ polarlens._progress_sql(run, run.pending, run.embedded, run.failed) }}{% endcall %}
    {% do adapter.commit() %}
{% endmacro %}


{#- End the run with a fault of the whole batch: committed rows stay, and dbt prints the cause. -#}
{% macro _fail_run(settings, run, message) %}
    {% call statement() %}
        update polarlens.refresh_runs
        set status = 'failed', finished_at = clock_timestamp(), message = {{ polarlens._literal(message) }}
        where run_id = {{ run.run_id }}
    {% endcall %}
    {% do adapter.commit() %}
    {% do polarlens._unlock_refresh(settings) %}
    {% set text = '%s: the refresh stopped: %s. Until then and kept: %s embedded, %s failed. '
        ~ 'The next run goes on from there.' %}
    {% do polarlens._raise_error(text | format(settings.relation, message, run.embedded, run.failed)) %}
{% endmacro %}


{#- Print the last line, with the counts of what became of every source. -#}
{% macro _log_summary(settings, run) %}
    {% set line = '%s: %s embedded, %s unchanged, %s removed, %s failed'
        | format(settings.relation, run.embedded, run.unchanged, run.removed, run.failed) %}
    {% set reused = ' (%s took the embedding of an identical input)' | format(run.reused) if run.reused > 0 else '' %}
    {% do log(line ~ reused, info=True) %}
    {% if run.failed > 0 %}
        {% set warning = '%s: %s could not be embedded; see: '
            ~ 'select * from polarlens.embedding_errors where relation = %s;' %}
        {% do exceptions.warn(warning | format(settings.relation, run.failed, polarlens._literal(settings.relation))) %}
    {% endif %}
{% endmacro %}


{#- Fail the run for its errors where error_policy says so, after everything else is done: 'record' never, 'fail' for
    one, a share for more than that. -#}
{% macro _enforce_error_policy(settings, plan, run) %}
    {% set policy = settings.error_policy %}
    {% if run.failed > 0 and policy != 'record' and (policy == 'fail' or run.failed / plan.sources_count > policy) %}
        {% set message = '%s: %s of %s could not be embedded, and error_policy is %s. Everything else is done; see: '
            ~ 'select * from polarlens.embedding_errors;' %}
        {% do polarlens._raise_error(
            message | format(settings.relation, run.failed, plan.sources_count, policy)
        ) %}
    {% endif %}
{% endmacro %}
