{#- The sources as key, input and the hash that stands for a version of the input: a temporary view on the model's SQL. -#}
{% macro _name_sources(settings, sql) %}
    {% set typed = [] %}
    {% for column in settings.inputs %}
        {% do typed.append("pg_typeof((select s." ~ adapter.quote(column) ~ " from (" ~ sql ~ ") as s limit 0))::text = 'bytea'") %}
    {% endfor %}
    {% set bytes = polarlens._query("select array_to_json(array[" ~ typed | join(', ') ~ "])::text")[0][0] %}
    {% if 'true' in bytes and 'false' in bytes %}
        {{ exceptions.raise_database_error(settings.relation ~ ': the input columns are bytes and text at once: ' ~ settings.inputs | join(', ')) }}
    {% endif %}
    {% set version = "coalesce(s." ~ adapter.quote(settings.source_version) ~ "::text, '')" if settings.source_version else none %}
    {% do settings.update({
        'bytes': 'true' in bytes,
        'input_sql': polarlens._input_sql(settings, 'true' in bytes),
        'deduplicated': not ('true' in bytes and version)
    }) %}
    {#- The version of bytes spares reading them; a path or a text is short enough to be part of its own version. -#}
    {% if settings.bytes %}
        {% set hashed = version if version else "coalesce(md5(" ~ settings.input_sql ~ "), '')" %}
    {% else %}
        {% set hashed = "coalesce(" ~ settings.input_sql ~ ", '')" ~ (" || chr(31) || " ~ version if version else "") %}
    {% endif %}
    {% do polarlens._query(
        "drop view if exists " ~ settings.sources ~ ";
        create temporary view " ~ settings.sources.split('.')[1] ~ " as
        select
            s." ~ adapter.quote(settings.key) ~ " as key,
            " ~ settings.input_sql ~ " as input,
            hashtextextended((" ~ hashed ~ ") collate \"C\", 0) as source_version
        from (" ~ sql ~ ") as s"
    ) %}
{% endmacro %}


{#- What is embedded of one source. Several columns: of pictures the first that is there, of texts all of them, line by line. -#}
{% macro _input_sql(settings, bytes) -%}
    {%- set columns = [] -%}
    {%- for column in settings.inputs -%}
        {%- do columns.append('s.' ~ adapter.quote(column) ~ ('' if bytes else '::text')) -%}
    {%- endfor -%}
    {%- if columns | length == 1 -%}
        {{ columns[0] }}
    {%- elif settings.kind == 'image' or bytes -%}
        coalesce({{ columns | join(', ') }})
    {%- else -%}
        concat_ws(chr(10), {% for column in columns %}nullif(btrim({{ column }}), ''){{ ', ' if not loop.last }}{% endfor %})
    {%- endif -%}
{%- endmacro %}


{#- Lists what is new, changed or gone, in one pass over the sources' keys and versions and the table's primary key. -#}
{% macro _find_changes(settings, run, sql) %}
    {% do polarlens._name_sources(settings, sql) %}
    {% set input = "null::bytea" if settings.bytes else "s.input" %}
    {% do polarlens._query("drop table if exists " ~ settings.changes ~ ", " ~ settings.pending) %}
    {% do settings.update({'known': polarlens._known_rows(settings)}) %}
    {% if settings.work_exists %}
        {% do polarlens._query(
            "create temporary table " ~ settings.changes.split('.')[1] ~ " as
            select
                coalesce(s.key, t." ~ adapter.quote(settings.key) ~ ") as key, " ~ input ~ " as input, s.source_version,
                s.source_version is null as gone, t.source_version is not null as known
            from " ~ settings.sources ~ " as s
            full join " ~ settings.known ~ " as t on s.key = t." ~ adapter.quote(settings.key) ~ "
            where s.source_version is null or t.source_version is null or s.source_version <> t.source_version"
        ) %}
    {% else %}
        {% do polarlens._query(
            "create temporary table " ~ settings.changes.split('.')[1] ~ " as
            select s.key, " ~ input ~ " as input, s.source_version, false as gone, false as known
            from " ~ settings.sources ~ " as s"
        ) %}
    {% endif %}
    {% set counts = polarlens._query(
        "select
            (select count(*) from " ~ settings.sources ~ ") as sources,
            " ~ ("(select count(*) from " ~ settings.known ~ ")" if settings.work_exists else "0::bigint") ~ " as kept,
            count(*) filter (where not gone and not known) as new,
            count(*) filter (where gone) as gone,
            count(*) filter (where not gone) as pending
        from " ~ settings.changes
    )[0] %}
    {% do settings.update({'sources_count': counts['sources'], 'kept': counts['kept'], 'gone': counts['gone']}) %}
    {% do polarlens._check_keys(settings, run, counts) %}
    {% do polarlens._check_removal(settings, run) %}
    {% do settings.update({'waiting': polarlens._leave_out_waiting(settings) if counts['pending'] > 0 else 0}) %}
{% endmacro %}


{#- Every source needs a key of its own. -#}
{% macro _check_keys(settings, run, counts) %}
    {#- Sources and rows are matched one to one, or these numbers do not add up. -#}
    {% set suspicious = counts['sources'] != counts['kept'] + counts['new'] - counts['gone'] %}
    {% if counts['pending'] > 0 or suspicious %}
        {% set wrong = polarlens._query(
            "select key::text, count(*) from " ~ (settings.sources if suspicious else settings.changes)
            ~ " group by key having key is null or count(*) > 1 limit 1"
        ) %}
        {% if wrong | length > 0 %}
            {% do polarlens._fail_run(
                settings, run, 'the key ' ~ settings.key ~ ' is not unique or is NULL in the sources (for example '
                ~ wrong[0][0] ~ '): every source needs a key of its own'
            ) %}
        {% endif %}
    {% endif %}
{% endmacro %}


{#- Sources that vanish by the thousand are rather a loader's accident than a decision: their embeddings have been paid for. -#}
{% macro _check_removal(settings, run) %}
    {% if settings.gone > 100 and settings.gone > settings.max_removed * settings.kept and not var('allow_removal', false) %}
        {% do polarlens._fail_run(
            settings, run, settings.gone ~ ' of ' ~ settings.kept ~ ' embeddings have lost their source, which is more than max_removed ('
            ~ settings.max_removed ~ ') allows to remove. Nothing was removed. Is the source loaded? If they are meant to go: '
            ~ "dbt run --vars '{allow_removal: true}'"
        ) %}
    {% endif %}
{% endmacro %}


{#- What failed lately waits for its next attempt. -#}
{% macro _leave_out_waiting(settings) %}
    {{ return(polarlens._query_value(
        "with waiting as (
            delete from " ~ settings.changes ~ " as c
            using polarlens.embedding_errors as e
            where e.relation = " ~ polarlens._literal(settings.relation) ~ " and e.source_key = c.key::text
                and e.source_version = c.source_version::text and e.next_attempt_at > now() and not c.gone
            returning 1
        )
        select count(*) from waiting"
    )) }}
{% endmacro %}


{#- Removed sources lose their embeddings and their errors. -#}
{% macro _remove_gone(settings, run) %}
    {% if settings.gone > 0 %}
        {% do polarlens._query(
            "delete from " ~ settings.work ~ " as t using " ~ settings.changes ~ " as c
            where c.gone and t." ~ adapter.quote(settings.key) ~ " = c.key"
        ) %}
    {% endif %}
    {% if polarlens._query_value(
        "select exists (select from polarlens.embedding_errors where relation = " ~ polarlens._literal(settings.relation) ~ ")"
    ) %}
        {% set orphans = polarlens._query_value(
            "select array(
                select e.source_key from polarlens.embedding_errors as e where e.relation = " ~ polarlens._literal(settings.relation) ~ "
                except
                select s.key::text from " ~ settings.sources ~ " as s
            )::text"
        ) %}
        {#- Apart: Citus deletes from no table by what a reference table has. -#}
        {% do polarlens._query(
            "delete from polarlens.embedding_errors
            where relation = " ~ polarlens._literal(settings.relation) ~ " and source_key = any (" ~ polarlens._literal(orphans) ~ "::text[])"
        ) %}
    {% endif %}
    {% do run.update({'removed': settings.gone}) %}
    {% do adapter.commit() %}
{% endmacro %}


{#- Lists what the model is to be asked for, in the order of the keys: n counts from 1; an input that comes twice is asked once. -#}
{% macro _list_pending(settings) %}
    {% set twice = "row_number() over (partition by c.source_version, c.input order by c.key) > 1" if settings.deduplicated else "false" %}
    {% set first = "first_value(c.key) over (partition by c.source_version, c.input order by c.key)" if settings.deduplicated else "c.key" %}
    {% do polarlens._query(
        "create temporary table " ~ settings.pending.split('.')[1] ~ " as
        select
            case when not d.twice then row_number() over (order by d.twice, d.key) end as n,
            d.key, d.input, d.source_version, d.same_as
        from (
            select c.key, c.input, c.source_version, " ~ twice ~ " as twice, " ~ first ~ " as same_as
            from " ~ settings.changes ~ " as c
            where not c.gone
        ) as d;
        create unique index on " ~ settings.pending ~ " (n);
        analyze " ~ settings.pending
    ) %}
    {% set counts = polarlens._query("select count(n), count(*) from " ~ settings.pending)[0] %}
    {% do settings.update({'asked': counts[0], 'total': counts[1]}) %}
{% endmacro %}
