{#- A post-hook: has a view read what is below it with its reader's rights, so that row-level security counts (PostgreSQL 15 and later). -#}
{% macro reader_rights() -%}
    {%- if execute and polarlens._query_value("select current_setting('server_version_num')::integer >= 150000") and model.config.materialized == 'view' -%}
        alter view {{ this }} set (security_invoker = true)
    {%- else -%}
        select 1
    {%- endif -%}
{%- endmacro %}
