{#- What a rank adds to a fused score (Cormack, Clarke and Büttcher, 2009: 60 keeps the first from outvoting everybody). -#}
{% macro _reciprocal_rank(rank) -%}
    coalesce(1.0 / (60 + {{ rank }}), 0)
{%- endmacro %}
