{#- An input that the table has under another key already is copied: its bytes are known to be the same, so is its embedding. -#}
{% macro _reuse_embedded(settings, run) %}
    {% if settings.work_exists and settings.kept > 0 and settings.deduplicated %}
        {% set key = adapter.quote(settings.key) %}
        {#- The versions alone are looked up first, in the primary key; the inputs themselves decide. -#}
        {% set reused = polarlens._copy_embeddings(settings,
            "with candidates as materialized (
                select c.key, c.input, c.source_version, t." ~ key ~ " as twin
                from " ~ settings.changes ~ " as c
                inner join " ~ settings.known ~ " as t on c.source_version = t.source_version
                where not c.gone and c.key <> t." ~ key ~ "
            )

            select distinct on (c.key) c.key, c.source_version, c.twin
            from candidates as c
            inner join " ~ settings.sources ~ " as s
                on c.twin = s.key and c.source_version = s.source_version"
                ~ ("" if settings.bytes else " and c.input is not distinct from s.input")
        ) %}
        {% if reused > 0 %}
            {% do polarlens._query(
                "delete from " ~ settings.changes ~ " as c using " ~ settings.twins ~ " as d where c.key = d.key and not c.gone"
            ) %}
        {% endif %}
        {% do run.update({'reused': reused, 'embedded': reused}) %}
    {% endif %}
{% endmacro %}


{#- What came more than once among the new inputs takes what became of the one that was asked: its embedding or its error. -#}
{% macro _copy_twins(settings, run) %}
    {% if settings.total > settings.asked %}
        {% set written = polarlens._copy_embeddings(settings,
            "select p.key, p.source_version, p.same_as as twin
            from " ~ settings.pending ~ " as p
            inner join " ~ settings.work ~ " as t
                on p.same_as = t." ~ adapter.quote(settings.key) ~ " and p.source_version = t.source_version
            where p.n is null"
        ) %}
        {% set failed = polarlens._query_value(
            "with failed as (
                insert into polarlens.embedding_errors (
                    relation, source_key, source_version, input, stage, message, sqlstate, attempts, next_attempt_at
                )
                select e.relation, p.key::text, e.source_version, e.input, e.stage, e.message, e.sqlstate, e.attempts, e.next_attempt_at
                from " ~ settings.pending ~ " as p
                inner join polarlens.embedding_errors as e
                    on e.relation = " ~ polarlens._literal(settings.relation) ~ " and e.source_key = p.same_as::text
                        and e.source_version = p.source_version::text
                where p.n is null
                on conflict (relation, source_key) do update set
                    source_version = excluded.source_version, input = excluded.input, stage = excluded.stage,
                    message = excluded.message, sqlstate = excluded.sqlstate, attempts = excluded.attempts,
                    last_failed_at = now(), next_attempt_at = excluded.next_attempt_at
                returning 1
            )

            select count(*) from failed"
        ) %}
        {% do run.update({
            'embedded': run.embedded + written, 'reused': run.reused + written, 'failed': run.failed + failed
        }) %}
    {% endif %}
{% endmacro %}


{#- Copies embeddings inside the table and clears the errors of those that get one; `twins` is a query for key,
    source_version and twin, the key to copy from. Leaves them in settings.twins, and returns how many there are. -#}
{% macro _copy_embeddings(settings, twins) %}
    {% set key = adapter.quote(settings.key) %}
    {% do polarlens._query(
        "drop table if exists " ~ settings.twins ~ ";
        create temporary table " ~ settings.twins.split('.')[1] ~ " as " ~ twins
    ) %}
    {% set copied = polarlens._query_value("select count(*) from " ~ settings.twins) %}
    {% if copied > 0 %}
        {% do polarlens._query(
            "insert into " ~ settings.work ~ " as w (" ~ key ~ ", source_version, model_fingerprint, embedding)
            select d.key, d.source_version, t.model_fingerprint, t.embedding
            from " ~ settings.twins ~ " as d
            inner join " ~ settings.work ~ " as t on d.twin = t." ~ key ~ "
            " ~ polarlens._on_conflict_replace(key) ~ ";
            delete from polarlens.embedding_errors as e using " ~ settings.twins ~ " as d
            where e.relation = " ~ polarlens._literal(settings.relation) ~ " and e.source_key = d.key::text"
        ) %}
    {% endif %}
    {{ return(copied) }}
{% endmacro %}


{#- A source that has a row already gets a new one in its place. -#}
{% macro _on_conflict_replace(key) -%}
    on conflict ({{ key }}) do update set
        source_version = excluded.source_version,
        model_fingerprint = excluded.model_fingerprint,
        embedding = excluded.embedding
{%- endmacro %}
