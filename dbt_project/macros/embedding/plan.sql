{#- Create a temporary view on the model's SQL, with the key, the input and a hash of the version of every source. -#}
{% macro _create_sources_view(settings, plan, sql) %}
    {% set columns = [] %}
    {% for name in settings.inputs %}{% do columns.append('s.' ~ adapter.quote(name)) %}{% endfor %}
    {% set types_sql %}
        select
            bool_or(c.type = 'bytea'::regtype) as bytes,
            bool_or(c.type <> 'bytea'::regtype) as text
        from (
            values
            {%- for column in columns %}
            (pg_typeof((
                select {{ column }}
                from (
{{ sql }}
                ) as s
                limit 0
            ))){{ ',' if not loop.last }}
            {%- endfor %}
        ) as c (type)
    {% endset %}
    {% set types = polarlens._query(types_sql)[0] %}
    {% if types['bytes'] and types['text'] %}
        {% set message = '%s: the input columns are bytes and text at once: %s' %}
        {% do polarlens._raise_error(message | format(settings.relation, settings.inputs | join(', '))) %}
    {% endif %}

    {#- Of several columns: the first picture that is there, or all texts, line by line. -#}
    {% set input %}
        {%- if types['bytes'] -%}
            {{ columns[0] if columns | length == 1 else 'coalesce(%s)' | format(columns | join(', ')) }}
        {%- elif columns | length == 1 -%}
            {{ columns[0] }}::text
        {%- elif plan.kind == 'image' -%}
            coalesce({{ columns | join('::text, ') }}::text)
        {%- else -%}
            concat_ws(chr(10), {% for column in columns -%}
                nullif(btrim({{ column }}::text), ''){{ ', ' if not loop.last }}
            {%- endfor %})
        {%- endif -%}
    {% endset %}
    {% set version = 's.' ~ adapter.quote(settings.source_version) if settings.source_version else none %}
    {#- A version of bytes spares reading them; a path or a text is short enough to be part of its own version. -#}
    {% set versioned %}
        {%- if types['bytes'] and version -%}
            coalesce({{ version }}::text, '')
        {%- elif types['bytes'] -%}
            coalesce(md5({{ input }}), '')
        {%- elif version -%}
            coalesce({{ input }}, '') || chr(31) || coalesce({{ version }}::text, '')
        {%- else -%}
            coalesce({{ input }}, '')
        {%- endif -%}
    {% endset %}
    {% call statement() %}
        drop view if exists {{ settings.temporary.sources }};
        create temporary view {{ settings.temporary.sources }} as
        select
            s.{{ settings.key }} as key,
            {{ input }} as input,
            {{ polarlens._source_version(versioned) }} as source_version
        from (
{{ sql }}
        ) as s
    {% endcall %}
    {% do plan.update({'bytes': types['bytes'], 'deduplicated': not (types['bytes'] and settings.source_version)}) %}
{% endmacro %}


{#- List what is new, changed or deleted, in one pass over the keys and versions of the sources and of the table. -#}
{% macro _find_changes(settings, plan) %}
    {% set temporary = settings.temporary %}
    {% set previous = polarlens._citus_previous_rows(settings, plan) %}
    {#- Bytes are too many to be listed. -#}
    {% set input = 'null::bytea as input' if plan.bytes else 's.input' %}
    {% call statement() %}
        drop table if exists {{ temporary.changes }}, {{ temporary.pending }};
        {%- if plan.table_exists %}
        create temporary table {{ temporary.changes }} as
        select
            coalesce(s.key, p.{{ settings.key }}) as key,
            {{ input }},
            s.source_version,
            s.source_version is null as deleted,
            p.source_version is not null as existing
        from {{ temporary.sources }} as s
        full join {{ previous }} as p on s.key = p.{{ settings.key }}
        where s.source_version is null or p.source_version is null or s.source_version <> p.source_version
        {%- else %}
        create temporary table {{ temporary.changes }} as
        select
            s.key,
            {{ input }},
            s.source_version,
            false as deleted,
            false as existing
        from {{ temporary.sources }} as s
        {%- endif %}
    {% endcall %}
    {% set counts_sql %}
        select
            (select count(*) from {{ temporary.sources }}) as sources,
            {{ '(select count(*) from %s)' | format(previous) if plan.table_exists else '0::bigint' }} as existing,
            count(*) filter (where not deleted and not existing) as new,
            count(*) filter (where deleted) as deleted,
            count(*) filter (where not deleted) as pending
        from {{ temporary.changes }}
    {% endset %}
    {% set counts = polarlens._query(counts_sql)[0] %}
    {% do plan.update({
        'previous': previous,
        'sources_count': counts['sources'],
        'existing_count': counts['existing'],
        'new_count': counts['new'],
        'deleted_count': counts['deleted'],
        'changes_count': counts['pending']
    }) %}
{% endmacro %}


{#- Refuse sources that share a key, and refuse to remove most of a table: a half-loaded source is likelier than a real
    change, and its embeddings have been paid for. -#}
{% macro _check_changes(settings, plan, run) %}
    {#- Where every source has a key of its own, sources and rows match one to one, and these numbers add up. -#}
    {% set odd = plan.sources_count != plan.existing_count + plan.new_count - plan.deleted_count %}
    {% if plan.changes_count > 0 or odd %}
        {% set duplicates_sql %}
            select
                key::text as key,
                count(*) as sources
            from {{ settings.temporary.sources if odd else settings.temporary.changes }}
            group by key
            having key is null or count(*) > 1
            limit 1
        {% endset %}
        {% set duplicates = polarlens._query(duplicates_sql) %}
        {% if duplicates | length > 0 %}
            {% set message = 'the key %s is not unique or is NULL in the sources (for example %s): '
                ~ 'every source needs a key of its own' %}
            {% do polarlens._fail_run(settings, run, message | format(settings.key_name, duplicates[0]['key'])) %}
        {% endif %}
    {% endif %}
    {% set most = settings.max_removed * plan.existing_count %}
    {% if plan.deleted_count > 100 and plan.deleted_count > most and not var('allow_removal', false) %}
        {% set message = '%s of %s embeddings have lost their source, which is more than max_removed (%s) allows '
            ~ 'to remove. Nothing was removed. Is the source loaded? If they are meant to go: '
            ~ "dbt run --vars '{allow_removal: true}'" %}
        {% do polarlens._fail_run(
            settings, run, message | format(plan.deleted_count, plan.existing_count, settings.max_removed)
        ) %}
    {% endif %}
{% endmacro %}


{#- Take out of the changes what failed lately and waits for its next attempt. -#}
{% macro _postpone_retries(settings, plan) %}
    {% set postponed_sql %}
        with postponed as (
            delete from {{ settings.temporary.changes }} as c
            using polarlens.embedding_errors as e
            where e.relation = {{ polarlens._literal(settings.relation) }} and e.source_key = c.key::text
                and e.source_version = c.source_version::text and e.next_attempt_at > now() and not c.deleted
            returning 1
        )

        select count(*) from postponed
    {% endset %}
    {% do plan.update({'postponed_count': polarlens._query_value(postponed_sql) if plan.changes_count > 0 else 0}) %}
{% endmacro %}


{#- Delete the embeddings and the errors of deleted sources. -#}
{% macro _remove_deleted(settings, plan, run) %}
    {% set relation = polarlens._literal(settings.relation) %}
    {% if plan.deleted_count > 0 %}
        {% call statement() %}
            delete from {{ plan.table }} as t
            using {{ settings.temporary.changes }} as c
            where c.deleted and t.{{ settings.key }} = c.key
        {% endcall %}
    {% endif %}
    {% set errors_exist_sql %}
        select 1 as found
        from polarlens.embedding_errors
        where relation = {{ relation }}
        limit 1
    {% endset %}
    {% if polarlens._query(errors_exist_sql) | length > 0 %}
        {#- In two statements: Citus deletes from no table by the rows of a reference table. -#}
        {% set orphans_sql %}
            select array(
                select e.source_key
                from polarlens.embedding_errors as e
                where e.relation = {{ relation }}
                except
                select s.key::text
                from {{ settings.temporary.sources }} as s
            )::text
        {% endset %}
        {% set orphans = polarlens._query_value(orphans_sql) %}
        {% call statement() %}
            delete from polarlens.embedding_errors
            where relation = {{ relation }} and source_key = any({{ polarlens._literal(orphans) }}::text[])
        {% endcall %}
    {% endif %}
    {% do run.update({'removed': plan.deleted_count}) %}
    {% do adapter.commit() %}
{% endmacro %}


{#- List what to ask the model, in the order of the keys: n counts from 1. An input that comes twice is asked once. -#}
{% macro _list_pending(settings, plan, run) %}
    {% set pending = settings.temporary.pending %}
    {% call statement() %}
        create temporary table {{ pending }} as
        select
            case when not d.repeated then row_number() over (order by d.repeated, d.key) end as n,
            d.key,
            d.input,
            d.source_version,
            d.duplicate_of
        from (
            {%- if plan.deduplicated %}
            select
                c.key,
                c.input,
                c.source_version,
                row_number() over same_input > 1 as repeated,
                first_value(c.key) over same_input as duplicate_of
            from {{ settings.temporary.changes }} as c
            where not c.deleted
            window same_input as (partition by c.source_version, c.input order by c.key)
            {%- else %}
            select
                c.key,
                c.input,
                c.source_version,
                false as repeated,
                c.key as duplicate_of
            from {{ settings.temporary.changes }} as c
            where not c.deleted
            {%- endif %}
        ) as d;
        create unique index on {{ pending }} (n);
        analyze {{ pending }}
    {% endcall %}
    {% set counts_sql %}
        select
            count(n) as asked,
            count(*) as total
        from {{ pending }}
    {% endset %}
    {% set counts = polarlens._query(counts_sql)[0] %}
    {% do plan.update({'asked': counts['asked'], 'total': counts['total']}) %}
    {% do run.update({'total': plan.total, 'pending': plan.total}) %}
{% endmacro %}
