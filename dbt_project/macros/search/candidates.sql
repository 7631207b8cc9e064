{#- PL/pgSQL that has the index keep enough candidates for k results: four for each (recall falls off near the limit of
    the list), 100 at least, more where a filter throws some away, 1,000 at most. ef_search, where given, decides.
    The function's own SET clause takes the setting back at its end. -#}
{% macro candidates(k, ef_search, filtered) -%}
    perform set_config('hnsw.ef_search', coalesce(
        {{ ef_search }}, least(1000, greatest(4 * {{ k }}, case when {{ filtered }} then 400 else 100 end))
    )::text, true);
{%- endmacro %}
