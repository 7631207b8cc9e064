{#- One refresh of one embedding table at a time: a session's advisory lock, which a killed session gives back. -#}
{% macro lock_refresh(settings) %}
    {% set free = polarlens.query_value(
        "select pg_try_advisory_lock(hashtextextended(" ~ polarlens.literal('polarlens ' ~ settings.relation) ~ ", 0))"
    ) %}
    {% if not free %}
        {{ exceptions.raise_database_error(
            'another refresh of ' ~ settings.relation ~ ' is running; this one stops. '
            ~ 'Watch it: select * from polarlens.refresh_runs order by run_id desc limit 1;'
        ) }}
    {% endif %}
{% endmacro %}


{% macro unlock_refresh(settings) %}
    {% do polarlens.query(
        "select pg_advisory_unlock(hashtextextended(" ~ polarlens.literal('polarlens ' ~ settings.relation) ~ ", 0))"
    ) %}
    {% do adapter.commit() %}
{% endmacro %}


{#- Records the start, so that others can watch, and closes what killed runs left open. -#}
{% macro start_run(settings) %}
    {% set run_id = polarlens.query_value(
        "with closed as (
            update polarlens.refresh_runs
            set status = 'failed', finished_at = updated_at, message = 'ended without a word: killed, or its server was'
            where relation = " ~ polarlens.literal(settings.relation) ~ " and status = 'running'
        )
        insert into polarlens.refresh_runs (relation, model_id)
        values (" ~ polarlens.literal(settings.relation) ~ ", " ~ polarlens.literal(settings.model) ~ ")
        returning run_id"
    ) %}
    {% do adapter.commit() %}
    {{ return({
        'run_id': run_id, 'started': modules.datetime.datetime.now(),
        'embedded': 0, 'failed': 0, 'removed': 0, 'unchanged': 0, 'pending': 0
    }) }}
{% endmacro %}


{#- Ends the run with a fault of the whole batch: what is committed stays, and the cause is what dbt prints. -#}
{% macro fail_run(settings, run, message) %}
    {% do polarlens.query(
        "update polarlens.refresh_runs set status = 'failed', finished_at = clock_timestamp(), message = "
        ~ polarlens.literal(message) ~ " where run_id = " ~ run.run_id
    ) %}
    {% do adapter.commit() %}
    {% do polarlens.unlock_refresh(settings) %}
    {{ exceptions.raise_database_error(
        settings.relation ~ ': the refresh stopped: ' ~ message ~ '. Embedded before that and kept: ' ~ run.embedded
        ~ '. The next run goes on from there.'
    ) }}
{% endmacro %}


{% macro finish_run_sql(settings, run) -%}
    update polarlens.refresh_runs
    set status = 'succeeded', finished_at = clock_timestamp(), updated_at = clock_timestamp(), pending = 0
    where run_id = {{ run.run_id }}
{%- endmacro %}


{#- The last line: what became of every source. -#}
{% macro report(settings, run) %}
    {% set line = settings.relation ~ ': ' ~ run.embedded ~ ' embedded, ' ~ run.unchanged ~ ' unchanged, '
        ~ run.removed ~ ' removed, ' ~ run.failed ~ ' failed' %}
    {% do log(line, info=True) %}
    {% if run.failed > 0 %}
        {% do exceptions.warn(
            settings.relation ~ ': ' ~ run.failed ~ ' could not be embedded; see: select * from polarlens.embedding_errors where relation = '
            ~ polarlens.literal(settings.relation) ~ ';'
        ) %}
    {% endif %}
{% endmacro %}


{#- error_policy: 'record' lets the run succeed with errors recorded, 'fail' fails it after everything else was done. -#}
{% macro judge(settings, run) %}
    {% if settings.error_policy == 'fail' and run.failed > 0 %}
        {{ exceptions.raise_database_error(settings.relation ~ ': ' ~ run.failed ~ " could not be embedded, and error_policy is 'fail'") }}
    {% endif %}
{% endmacro %}
