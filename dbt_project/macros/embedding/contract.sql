{#- A model's contract (contract: {enforced: true}), held against the table before anything is embedded. PostgreSQL reads
    the types of both, so that halfvec(512) means that many dimensions, and halfvec any number of them. -#}
{% macro _check_contract(settings, run) %}
    {% if model.config.contract.enforced %}
        {% set columns = [] %}
        {% for column in model.columns.values() %}
            {% if not column.data_type %}
                {% do polarlens._fail_run(settings, run, "the model's contract says no data_type for the column " ~ column.name) %}
            {% endif %}
            {% do columns.append(adapter.quote(column.name) ~ ' ' ~ column.data_type) %}
        {% endfor %}
        {% do polarlens._query("create temporary table polarlens_contract (" ~ columns | join(', ') ~ ")") %}
        {% set differences = polarlens._query(
            "with contracted as (
                select attname, atttypid, atttypmod from pg_attribute
                where attrelid = 'pg_temp.polarlens_contract'::regclass and attnum > 0
            ),

            made as (
                select attname, atttypid, atttypmod from pg_attribute
                where attrelid = " ~ polarlens._literal(settings.work) ~ "::regclass and attnum > 0 and not attisdropped
            )

            select
                coalesce(c.attname, m.attname) as name,
                coalesce(format_type(m.atttypid, m.atttypmod), 'missing') as made,
                coalesce(format_type(c.atttypid, c.atttypmod), 'nothing of it') as contracted
            from contracted as c
            full join made as m on c.attname = m.attname
            where c.atttypid is distinct from m.atttypid
                -- Without any source yet, the number of dimensions may not be known.
                or (c.atttypmod <> -1 and c.atttypmod <> m.atttypmod and " ~ ('true' if settings.dimension else 'false') ~ ")
            order by name"
        ) %}
        {% do polarlens._query("drop table pg_temp.polarlens_contract") %}
        {% set found = [] %}
        {% for difference in differences %}
            {% do found.append(difference['name'] ~ ' is ' ~ difference['made'] ~ ', and the contract says ' ~ difference['contracted']) %}
        {% endfor %}
        {% if found %}
            {% do polarlens._fail_run(settings, run, "its contract is broken: " ~ found | join('; ')) %}
        {% endif %}
    {% endif %}
{% endmacro %}
