{#- PL/pgSQL that has the index keep enough candidates for k results: four for each (recall falls off near the limit of
    the list), 200 at least, twice that where a filter throws some away, 1,000 at most. ef_search, where given, decides.
    The function's own SET clause says 200 and takes what is set here back at the function's end. -#}
{% macro _candidates(k, ef_search, filtered) -%}
{%- if polarlens._distributed() %}
    {{ polarlens._set_on_workers('coalesce(' ~ ef_search ~ ', least(1000, greatest(4 * ' ~ k ~ ', case when ' ~ filtered ~ ' then 400 else 200 end)))') }}
{%- else %}
    if {{ ef_search }} is not null or {{ k }} > 50 or {{ filtered }} then
        perform set_config('hnsw.ef_search', coalesce(
            {{ ef_search }}, least(1000, greatest(4 * {{ k }}, case when {{ filtered }} then 400 else 200 end))
        )::text, true);
    end if;
{%- endif %}
{%- endmacro %}
