{#- What a search says about a photo beside its key and score: columns of stg_image_paths, in the order of the results. -#}
{% macro photo_columns() %}
    {{ return(['path', 'title', 'caption', 'taken_at', 'latitude', 'longitude', 'attributes']) }}
{% endmacro %}
