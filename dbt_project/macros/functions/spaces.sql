{#- The spaces that photos can be searched in, the first by default: which embedding models hold them, which registered
    models embed queries for them. A second one is one entry of the variable more_spaces. -#}
{% macro spaces() %}
    {{ return([{
        'images': 'image_embeddings', 'texts': 'text_embeddings',
        'text_model': var('text_model'), 'image_model': var('image_model')
    }] + var('more_spaces', [])) }}
{% endmacro %}
