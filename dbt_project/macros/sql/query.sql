{#- Run SQL inside dbt's transaction and return its rows. run_query() begins none, so nothing could be committed. -#}
{% macro _query(sql) %}
    {%- call statement('polarlens_query', fetch_result=True) %}{{ sql }}{% endcall -%}
    {{ return(load_result('polarlens_query').table.rows) }}
{% endmacro %}


{#- Return the first column of a query's first row; none without a row. -#}
{% macro _query_value(sql) %}
    {%- set rows = polarlens._query(sql) -%}
    {{ return(rows[0][0] if rows | length > 0 else none) }}
{% endmacro %}


{#- Run a statement outside a transaction, as VACUUM, CREATE INDEX CONCURRENTLY and a COMMIT inside DO demand. -#}
{% macro _run_outside_transaction(sql) %}
    {#- dbt refuses to commit where it has begun nothing. -#}
    {%- do polarlens._query('select 1') -%}
    {%- do adapter.commit() -%}
    {#- After dbt's own commit psycopg begins a transaction; after this one it does not. -#}
    {%- call statement(auto_begin=False) %}commit{% endcall -%}
    {%- call statement(auto_begin=False) %}{{ sql }}{% endcall -%}
{% endmacro %}
