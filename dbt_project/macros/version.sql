{#- The version of polarlens, as in pyproject.toml. -#}
{% macro _version() %}{{ return('0.1.0') }}{% endmacro %}


{#- Stops the run if the database has no polarlens or another version of it, and says which command brings them together. -#}
{% macro _check_installation() %}
    {%- set table = run_query("select to_regclass('polarlens.installed_code') is not null").columns[0].values()[0] -%}
    {#- Versions before 0.1.0 recorded none. -#}
    {%- set found = run_query(
        "select to_jsonb(i) ->> 'version' from polarlens.installed_code as i"
    ).columns[0].values() if table else [] -%}
    {%- set installed = found[0] if found else none -%}
    {%- if not installed -%}
        {{ exceptions.raise_compiler_error(
            'the database ' ~ target.database ~ ' has no polarlens, or an older one: install it with `alembic upgrade head` in a '
            ~ 'checkout of polarlens ' ~ polarlens._version()
        ) }}
    {%- elif installed.split('.') | map('int') | list < polarlens._version().split('.') | map('int') | list -%}
        {{ exceptions.raise_compiler_error(
            'the database ' ~ target.database ~ ' has polarlens ' ~ installed ~ ', and the dbt project is of ' ~ polarlens._version()
            ~ ': upgrade the database with `alembic upgrade head` in a checkout of polarlens ' ~ polarlens._version()
        ) }}
    {%- elif installed != polarlens._version() -%}
        {{ exceptions.raise_compiler_error(
            'the database ' ~ target.database ~ ' has polarlens ' ~ installed ~ ', and the dbt project is of ' ~ polarlens._version()
            ~ ': update the dbt project to polarlens ' ~ installed ~ ' (packages.yml and `dbt deps`, or the checkout)'
        ) }}
    {%- endif -%}
    {%- do polarlens._check_citus() -%}
{% endmacro %}
