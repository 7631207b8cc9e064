{#- Hold a model's contract (contract: {enforced: true}) against the table before anything is embedded. PostgreSQL reads
    the types of both, so that halfvec(512) means that many dimensions, and halfvec any number of them. -#}
{% macro _check_contract(settings, plan, run) %}
    {% if model.config.contract.enforced %}
        {% for column in model.columns.values() if not column.data_type %}
            {% set message = "the model's contract says no data_type for the column %s" %}
            {% do polarlens._fail_run(settings, run, message | format(column.name)) %}
        {% endfor %}
        {% call statement() %}
            create temporary table polarlens_contract (
                {%- for column in model.columns.values() %}
                {{ adapter.quote(column.name) }} {{ column.data_type }}{{ ',' if not loop.last }}
                {%- endfor %}
            )
        {% endcall %}
        {% set differences_sql %}
            with contracted as (
                select attname, atttypid, atttypmod from pg_attribute
                where attrelid = 'pg_temp.polarlens_contract'::regclass and attnum > 0
            ),

            existing as (
                select attname, atttypid, atttypmod from pg_attribute
                where attrelid = {{ polarlens._literal(plan.table) }}::regclass and attnum > 0 and not attisdropped
            )

            select string_agg(format(
                '%s is %s, and the contract says %s',
                coalesce(c.attname, e.attname),
                coalesce(format_type(e.atttypid, e.atttypmod), 'missing'),
                coalesce(format_type(c.atttypid, c.atttypmod), 'nothing of it')
            ), '; ' order by coalesce(c.attname, e.attname))
            from contracted as c
            full join existing as e on c.attname = e.attname
            where c.atttypid is distinct from e.atttypid
                -- Without any source yet, the number of dimensions may not be known.
                or (c.atttypmod <> -1 and c.atttypmod <> e.atttypmod and {{ 'true' if plan.dimension else 'false' }})
        {% endset %}
        {% set differences = polarlens._query_value(differences_sql) %}
        {% call statement() %}drop table pg_temp.polarlens_contract{% endcall %}
        {% if differences %}
            {% do polarlens._fail_run(settings, run, 'its contract is broken: ' ~ differences) %}
        {% endif %}
    {% endif %}
{% endmacro %}
