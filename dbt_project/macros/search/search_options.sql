{#- SQL that sets the index's options for the rest of the transaction, for k rows. -#}
{% macro _search_options(k, ef_search=none) -%}
    set_config('hnsw.iterative_scan', 'relaxed_order', true)
            || set_config('hnsw.ef_search', '{{ ef_search or [1000, [4 * k, 400] | max] | min }}', true)
{%- endmacro %}
