{#- The version of polarlens, as in pyproject.toml. -#}
{% macro _version() %}{{ return('0.1.0') }}{% endmacro %}


{#- Stops the run if the database has no polarlens or another version, and says which command brings them together. -#}
{% macro _check_installation() %}
    {%- set ours = polarlens._version() -%}
    {%- set table = run_query("select to_regclass('polarlens.installed_code') is not null").columns[0].values()[0] -%}
    {#- Versions before 0.1.0 recorded none. -#}
    {%- set found = run_query(
        "select to_jsonb(i) ->> 'version' from polarlens.installed_code as i"
    ).columns[0].values() if table else [] -%}
    {%- set installed = found[0] if found else none -%}
    {%- set upgrade = '`alembic upgrade head` in a checkout of polarlens ' ~ ours -%}
    {%- set difference = 'the database ' ~ target.database ~ ' has polarlens ' ~ installed ~ ', and dbt has ' ~ ours -%}
    {%- if not installed -%}
        {{ exceptions.raise_compiler_error(
            'the database ' ~ target.database ~ ' has no polarlens, or an older one: install it with ' ~ upgrade
        ) }}
    {%- elif installed.split('.') | map('int') | list < ours.split('.') | map('int') | list -%}
        {{ exceptions.raise_compiler_error(difference ~ ': upgrade the database with ' ~ upgrade) }}
    {%- elif installed != ours -%}
        {{ exceptions.raise_compiler_error(
            difference ~ ': update the dbt project to ' ~ installed ~ ' (its checkout, or packages.yml and `dbt deps`)'
        ) }}
    {%- endif -%}
    {%- do polarlens._check_citus() -%}
{% endmacro %}
