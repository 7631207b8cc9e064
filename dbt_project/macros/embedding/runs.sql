{#- One refresh of one embedding table at a time: a session's advisory lock, which a killed session gives back. -#}
{% macro _lock_refresh(settings) %}
    {% set free = polarlens._query_value(
        "select pg_try_advisory_lock(hashtextextended(" ~ polarlens._literal('polarlens ' ~ settings.relation) ~ ", 0))"
    ) %}
    {% if not free %}
        {{ exceptions.raise_database_error(
            'another refresh of ' ~ settings.relation ~ ' is running; this one stops. '
            ~ 'Watch it: select * from polarlens.refresh_status;'
        ) }}
    {% endif %}
{% endmacro %}


{#- Gives the lock back, and what was only of use to this run. -#}
{% macro _unlock_refresh(settings) %}
    {% do polarlens._query(
        "drop view if exists " ~ settings.sources ~ ";
        drop table if exists " ~ [settings.changes, settings.pending, settings.twins, settings.known_copy, settings.landing_copy] | join(', ') ~ ";
        select pg_advisory_unlock(hashtextextended(" ~ polarlens._literal('polarlens ' ~ settings.relation) ~ ", 0))"
    ) %}
    {% do adapter.commit() %}
{% endmacro %}


{#- Records the start, so that others can watch, and closes what killed runs left open. -#}
{% macro _start_run(settings) %}
    {% set run_id = polarlens._query_value(
        "with closed as (
            update polarlens.refresh_runs
            set status = 'failed', finished_at = updated_at, message = 'ended without a word: killed, or its server was'
            where relation = " ~ polarlens._literal(settings.relation) ~ " and status = 'running'
        )
        insert into polarlens.refresh_runs (relation, model_id)
        values (" ~ polarlens._literal(settings.relation) ~ ", " ~ polarlens._literal(settings.model) ~ ")
        returning run_id"
    ) %}
    {% do adapter.commit() %}
    {{ return({
        'run_id': run_id, 'started': modules.datetime.datetime.now(), 'started_embedding': modules.datetime.datetime.now(),
        'total': 0, 'embedded': 0, 'reused': 0, 'failed': 0, 'removed': 0, 'unchanged': 0, 'pending': 0
    }) }}
{% endmacro %}


{#- Says what the run is about, for those who watch. -#}
{% macro _set_phase(run, phase) %}
    {% do polarlens._query(
        "update polarlens.refresh_runs set phase = '" ~ phase ~ "', total = " ~ run.total ~ ", pending = " ~ run.pending ~ ", removed = " ~ run.removed ~ "
        where run_id = " ~ run.run_id
    ) %}
    {% do run.update({'started_embedding': modules.datetime.datetime.now()}) %}
{% endmacro %}


{#- Writes the counters, for those who watch. -#}
{% macro _progress_sql(run, pending, embedded, failed) -%}
    update polarlens.refresh_runs
    set updated_at = clock_timestamp(), pending = {{ pending }}, embedded = {{ embedded }}, reused = {{ run.reused }},
        failed = {{ failed }}, removed = {{ run.removed }}, unchanged = {{ run.unchanged }}
    where run_id = {{ run.run_id }}
{%- endmacro %}


{#- How many requests may be in flight: the refreshes that ask the same service share them. -#}
{% macro _share_of_requests(settings) -%}
    greatest(1, {{ settings.requests_in_flight }} / greatest(1, (
        select count(*)
        from polarlens.refresh_status as r
        inner join {{ polarlens._runtime() }}.models as other on r.model_id = other.model_id
        inner join {{ polarlens._runtime() }}.models as ours
            on ours.model_url = other.model_url and ours.model_id = {{ polarlens._literal(settings.model) }}
        where r.status = 'running' and r.phase = 'embedding'
    )))
{%- endmacro %}


{#- done of total, rate, time left, errors. -#}
{% macro _log_progress(settings, run, done) %}
    {% set seconds = (modules.datetime.datetime.now() - run.started_embedding).total_seconds() %}
    {% set rate = done / seconds if seconds > 0 else 0 %}
    {% set left = ((settings.asked - done) / rate) | int if rate > 0 else 0 %}
    {% do log(
        settings.relation ~ ': ' ~ done ~ ' of ' ~ settings.asked ~ ', ' ~ '%.1f' | format(rate) ~ '/s, '
        ~ modules.datetime.timedelta(seconds=left) ~ ' left'
        ~ (', ' ~ run.failed ~ ' failed' if run.failed > 0 else ''), info=True
    ) %}
{% endmacro %}


{#- Ends the run with a fault of the whole batch: what is committed stays, and the cause is what dbt prints. -#}
{% macro _fail_run(settings, run, message) %}
    {% do polarlens._query(
        "update polarlens.refresh_runs set status = 'failed', finished_at = clock_timestamp(), message = "
        ~ polarlens._literal(message) ~ " where run_id = " ~ run.run_id
    ) %}
    {% do adapter.commit() %}
    {% do polarlens._unlock_refresh(settings) %}
    {{ exceptions.raise_database_error(
        settings.relation ~ ': the refresh stopped: ' ~ message ~ '. Until then and kept: ' ~ run.embedded ~ ' embedded, '
        ~ run.failed ~ ' failed. The next run goes on from there.'
    ) }}
{% endmacro %}


{% macro _finish_run_sql(settings, run) -%}
    update polarlens.refresh_runs
    set status = 'succeeded', phase = 'done', finished_at = clock_timestamp(), updated_at = clock_timestamp(), pending = 0
    where run_id = {{ run.run_id }}
{%- endmacro %}


{#- The last line: what became of every source. -#}
{% macro _report(settings, run) %}
    {% do log(
        settings.relation ~ ': ' ~ run.embedded ~ ' embedded, ' ~ run.unchanged ~ ' unchanged, '
        ~ run.removed ~ ' removed, ' ~ run.failed ~ ' failed'
        ~ (' (' ~ run.reused ~ ' took the embedding of an identical input)' if run.reused > 0 else ''), info=True
    ) %}
    {% if run.failed > 0 %}
        {% do exceptions.warn(
            settings.relation ~ ': ' ~ run.failed ~ ' could not be embedded; see: select * from polarlens.embedding_errors where relation = '
            ~ polarlens._literal(settings.relation) ~ ';'
        ) %}
    {% endif %}
{% endmacro %}


{#- error_policy: 'record' lets the run succeed with errors recorded, 'fail' or a share fails it after everything else was done. -#}
{% macro _judge(settings, run) %}
    {% set share = run.failed / settings.sources_count if settings.sources_count > 0 else 0 %}
    {% if run.failed > 0 and settings.error_policy != 'record' and (settings.error_policy == 'fail' or share > settings.error_policy) %}
        {{ exceptions.raise_database_error(
            settings.relation ~ ': ' ~ run.failed ~ ' of ' ~ settings.sources_count ~ ' could not be embedded, and error_policy is '
            ~ settings.error_policy ~ '. Everything else is done; see: select * from polarlens.embedding_errors;'
        ) }}
    {% endif %}
{% endmacro %}
