{#- The spaces that photos can be searched in, the first by default: which embedding models hold them, which registered
    models embed queries for them. A second one is one entry of the variable more_spaces. The defaults are
    dbt_project.yml's: called from a model of another project, a macro does not see those. -#}
{% macro _spaces() %}
    {{ return([{
        'images': 'image_embeddings', 'texts': 'text_embeddings',
        'text_model': var('text_model', 'embedding/clip_text'), 'image_model': var('image_model', 'embedding/clip_image')
    }] + var('more_spaces', [])) }}
{% endmacro %}
