{#-
materialized='embedding': keeps a table of embeddings equal to its sources, in committed batches.

The model's SQL selects the sources; its config says what to do with them (see _embedding_settings). Each batch is one
statement and one commit: read the inputs, call the model with several requests in flight, write the answers, record the
errors. Killed at any point, the next run goes on where the last commit was.

The steps share three dicts: `settings`, from the config, which never change; `plan`, the facts that this run works by,
each added once, by the step that finds it; and `run`, its counters.
-#}
{% materialization embedding, adapter='postgres' %}
    {%- set target = this.incorporate(type='table') -%}
    {%- set settings = polarlens._embedding_settings(target) -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {% do polarlens._check_installation() %}
    {% do polarlens._lock_refresh(settings) %}
    {% set run = polarlens._start_run(settings) %}

    {% set plan = polarlens._read_model(settings) %}
    {% do polarlens._resolve_target_table(settings, plan) %}
    {% do polarlens._create_sources_view(settings, plan, sql) %}
    {% do polarlens._find_changes(settings, plan) %}
    {% do polarlens._check_changes(settings, plan, run) %}
    {% do polarlens._postpone_retries(settings, plan) %}
    {% do polarlens._remove_deleted(settings, plan, run) %}
    {% do polarlens._reuse_embedded(settings, plan, run) %}
    {% do polarlens._list_pending(settings, plan, run) %}

    {% do polarlens._set_phase(run, 'embedding') %}
    {% do polarlens._find_dimension(settings, plan, run) %}
    {% do polarlens._ensure_table(settings, plan) %}
    {% do polarlens._check_contract(settings, plan, run) %}
    {% do polarlens._embed_pending(settings, plan, run) %}
    {% do polarlens._copy_to_duplicates(settings, plan, run) %}
    {% do polarlens._record_results(plan, run) %}

    {% do polarlens._build_index(settings, plan, run) %}
    {% do polarlens._swap_in(settings, plan, run) %}
    {% call statement('main') %}
        update polarlens.refresh_runs
        set
            status = 'succeeded',
            phase = 'done',
            pending = 0,
            updated_at = clock_timestamp(),
            finished_at = clock_timestamp()
        where run_id = {{ run.run_id }}
    {% endcall %}
    {% do polarlens._log_summary(settings, run) %}

    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {% do apply_grants(target, config.get('grants'), should_revoke=True) %}
    {% do persist_docs(target, model) %}
    {% do adapter.commit() %}
    {% do polarlens._unlock_refresh(settings) %}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {% do polarlens._enforce_error_policy(settings, plan, run) %}

    {{ return({'relations': [target]}) }}
{% endmaterialization %}
