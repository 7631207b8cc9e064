{#-
materialized='embedding': keeps a table of embeddings equal to its sources, in committed batches.

The model's SQL selects the sources; its config says what to do with them (see embedding_config). Each batch is
one statement and one commit: read the inputs, call the model with several requests in flight, write what came
back, record what failed. Killed at any point, the next run goes on where the last commit was.
-#}
{% materialization embedding, adapter='postgres' %}
    {%- set target = this.incorporate(type='table') -%}
    {%- set settings = polarlens._embedding_config(target) -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {% do polarlens._check_installation() %}
    {% do polarlens._lock_refresh(settings) %}
    {% set run = polarlens._start_run(settings) %}
    {% do polarlens._find_space(settings) %}
    {% do polarlens._find_changes(settings, run, sql) %}
    {% do polarlens._remove_gone(settings, run) %}
    {% do polarlens._embed_pending(settings, run) %}
    {% do polarlens._build_index(settings, run) %}
    {% do polarlens._swap_in(settings, run) %}

    {% call statement('main') %}
        {{ polarlens._finish_run_sql(settings, run) }}
    {% endcall %}
    {% do polarlens._report(settings, run) %}

    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {% do apply_grants(target, config.get('grants'), should_revoke=True) %}
    {% do persist_docs(target, model) %}
    {% do adapter.commit() %}
    {% do polarlens._unlock_refresh(settings) %}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {% do polarlens._judge(settings, run) %}

    {{ return({'relations': [target]}) }}
{% endmaterialization %}
