{#- An input that the table has under another key already is copied: its bytes are known to be the same, so is its embedding. -#}
{% macro reuse_embedded(settings, run) %}
    {% if settings.work_exists and settings.kept > 0 and settings.deduplicated %}
        {% set key = adapter.quote(settings.key) %}
        {#- The versions alone are looked up first, in the primary key; the inputs themselves decide. -#}
        {% do run.update({'reused': polarlens.query_value(
            "with candidates as materialized (
                select c.key, c.input, c.source_version, t." ~ key ~ " as twin
                from " ~ settings.changes ~ " as c
                inner join " ~ settings.work ~ " as t on c.source_version = t.source_version
                where not c.gone and c.key <> t." ~ key ~ "
            ),

            twins as (
                select distinct on (c.key) c.key, c.source_version, c.twin
                from candidates as c
                inner join " ~ settings.sources ~ " as s
                    on c.twin = s.key and c.source_version = s.source_version"
                    ~ ("" if settings.bytes else " and c.input is not distinct from s.input") ~ "
            ),

            written as (
                insert into " ~ settings.work ~ " as w (" ~ key ~ ", source_version, model_fingerprint, embedding)
                select d.key, d.source_version, t.model_fingerprint, t.embedding
                from twins as d
                inner join " ~ settings.work ~ " as t on d.twin = t." ~ key ~ "
                " ~ polarlens.on_conflict_replace(key) ~ "
                returning w." ~ key ~ " as key
            ),

            cleared as (
                delete from polarlens.embedding_errors as e using written as w
                where e.relation = " ~ polarlens.literal(settings.relation) ~ " and e.source_key = w.key::text
            ),

            done as (
                delete from " ~ settings.changes ~ " as c using written as w where c.key = w.key and not c.gone returning 1
            )

            select count(*) from done"
        )}) %}
        {% do run.update({'embedded': run.reused}) %}
    {% endif %}
{% endmacro %}


{#- What came more than once among the new inputs takes what became of the one that was asked: its embedding or its error. -#}
{% macro copy_twins(settings, run) %}
    {% if settings.total > settings.asked %}
        {% set key = adapter.quote(settings.key) %}
        {% set relation = polarlens.literal(settings.relation) %}
        {% set counts = polarlens.query(
            "with written as (
                insert into " ~ settings.work ~ " as w (" ~ key ~ ", source_version, model_fingerprint, embedding)
                select p.key, p.source_version, t.model_fingerprint, t.embedding
                from " ~ settings.pending ~ " as p
                inner join " ~ settings.work ~ " as t on p.same_as = t." ~ key ~ " and p.source_version = t.source_version
                where p.n is null
                " ~ polarlens.on_conflict_replace(key) ~ "
                returning w." ~ key ~ " as key
            ),

            cleared as (
                delete from polarlens.embedding_errors as e using written as w
                where e.relation = " ~ relation ~ " and e.source_key = w.key::text
            ),

            failed as (
                insert into polarlens.embedding_errors (
                    relation, source_key, source_version, input, stage, message, sqlstate, attempts, next_attempt_at
                )
                select e.relation, p.key::text, e.source_version, e.input, e.stage, e.message, e.sqlstate, e.attempts, e.next_attempt_at
                from " ~ settings.pending ~ " as p
                inner join polarlens.embedding_errors as e
                    on e.relation = " ~ relation ~ " and e.source_key = p.same_as::text and e.source_version = p.source_version::text
                where p.n is null
                on conflict (relation, source_key) do update set
                    source_version = excluded.source_version, input = excluded.input, stage = excluded.stage,
                    message = excluded.message, sqlstate = excluded.sqlstate, attempts = excluded.attempts,
                    last_failed_at = now(), next_attempt_at = excluded.next_attempt_at
                returning 1
            )

            select (select count(*) from written) as written, (select count(*) from failed) as failed"
        )[0] %}
        {% do run.update({
            'embedded': run.embedded + counts['written'], 'reused': run.reused + counts['written'],
            'failed': run.failed + counts['failed']
        }) %}
    {% endif %}
{% endmacro %}


{#- A source that has a row already gets a new one in its place. -#}
{% macro on_conflict_replace(key) -%}
    on conflict ({{ key }}) do update set
        source_version = excluded.source_version,
        model_fingerprint = excluded.model_fingerprint,
        embedding = excluded.embedding
{%- endmacro %}
