{#- Copy the embedding of an input that the table has under another key already: equal inputs have equal embeddings. -#}
{% macro _reuse_embedded(settings, plan, run) %}
    {% if plan.table_exists and plan.existing_count > 0 and plan.deduplicated %}
        {% set temporary = settings.temporary %}
        {#- The versions alone are looked up first, in the primary key; the inputs themselves decide. -#}
        {% set duplicates_sql %}
            with candidates as materialized (
                select
                    c.key,
                    c.input,
                    c.source_version,
                    p.{{ settings.key }} as duplicate_of
                from {{ temporary.changes }} as c
                inner join {{ plan.previous }} as p on c.source_version = p.source_version
                where not c.deleted and c.key <> p.{{ settings.key }}
            )

            select distinct on (c.key)
                c.key,
                c.source_version,
                c.duplicate_of
            from candidates as c
            inner join {{ temporary.sources }} as s
                on c.duplicate_of = s.key and c.source_version = s.source_version
                {{- ' and c.input is not distinct from s.input' if not plan.bytes }}
        {% endset %}
        {% set reused = polarlens._copy_embeddings(settings, plan, duplicates_sql) %}
        {% if reused > 0 %}
            {% call statement() %}
                delete from {{ temporary.changes }} as c
                using {{ temporary.duplicates }} as d
                where c.key = d.key and not c.deleted
            {% endcall %}
        {% endif %}
        {% do run.update({'reused': reused, 'embedded': reused}) %}
    {% endif %}
{% endmacro %}


{#- Give an input that came more than once the result of the one that was asked: its embedding or its error. -#}
{% macro _copy_to_duplicates(settings, plan, run) %}
    {% if plan.total > plan.asked %}
        {% set pending = settings.temporary.pending %}
        {% set duplicates_sql %}
            select
                p.key,
                p.source_version,
                p.duplicate_of
            from {{ pending }} as p
            inner join {{ plan.table }} as t
                on p.duplicate_of = t.{{ settings.key }} and p.source_version = t.source_version
            where p.n is null
        {% endset %}
        {% set embedded = polarlens._copy_embeddings(settings, plan, duplicates_sql) %}
        {% set failed_sql %}
            with failed as (
                insert into polarlens.embedding_errors (
                    relation, source_key, source_version, input, stage, message, sqlstate, attempts, next_attempt_at
                )
                select
                    e.relation,
                    p.key::text,
                    e.source_version,
                    e.input,
                    e.stage,
                    e.message,
                    e.sqlstate,
                    e.attempts,
                    e.next_attempt_at
                from {{ pending }} as p
                inner join polarlens.embedding_errors as e
                    on e.relation = {{ polarlens._literal(settings.relation) }} and e.source_key = p.duplicate_of::text
                        and e.source_version = p.source_version::text
                where p.n is null
                on conflict (relation, source_key) do update set
                    source_version = excluded.source_version, input = excluded.input, stage = excluded.stage,
                    message = excluded.message, sqlstate = excluded.sqlstate, attempts = excluded.attempts,
                    last_failed_at = now(), next_attempt_at = excluded.next_attempt_at
                returning 1
            )

            select count(*) from failed
        {% endset %}
        {% set failed = polarlens._query_value(failed_sql) %}
        {% do run.update({
            'embedded': run.embedded + embedded, 'reused': run.reused + embedded, 'failed': run.failed + failed
        }) %}
    {% endif %}
{% endmacro %}


{#- Copy embeddings inside the table, and delete the errors of what gets one. duplicates_sql gives key, source_version
    and duplicate_of, the key to copy from. Keep its rows in the table duplicates, and return their number. -#}
{% macro _copy_embeddings(settings, plan, duplicates_sql) %}
    {% set duplicates = settings.temporary.duplicates %}
    {% call statement() %}
        drop table if exists {{ duplicates }};
        create temporary table {{ duplicates }} as
        {{ duplicates_sql }}
    {% endcall %}
    {% set copied = polarlens._query_value('select count(*) from ' ~ duplicates) %}
    {% if copied > 0 %}
        {% call statement() %}
            insert into {{ plan.table }} as w ({{ settings.key }}, source_version, model_fingerprint, embedding)
            select
                d.key,
                d.source_version,
                t.model_fingerprint,
                t.embedding
            from {{ duplicates }} as d
            inner join {{ plan.table }} as t on d.duplicate_of = t.{{ settings.key }}
            {{ polarlens._on_conflict_replace(settings) | indent(12) }};
            delete from polarlens.embedding_errors as e
            using {{ duplicates }} as d
            where e.relation = {{ polarlens._literal(settings.relation) }} and e.source_key = d.key::text
        {% endcall %}
    {% endif %}
    {{ return(copied) }}
{% endmacro %}


{#- SQL by which a source that has a row already gets a new one in its place. -#}
{% macro _on_conflict_replace(settings) -%}
on conflict ({{ settings.key }}) do update set
    source_version = excluded.source_version,
    model_fingerprint = excluded.model_fingerprint,
    embedding = excluded.embedding
{%- endmacro %}
