{#- The type of an embedding model's vectors, for a variable of a search function. Without its dimension: a session
    that has compiled the function must survive a change of the model. Without an argument, that of the default space. -#}
{% macro _vector_type(embeddings='') -%}
    {%- set found = namespace(storage='halfvec') -%}
    {%- for node in (graph.nodes.values() if execute else []) 
        if node.get('relation_name') == embeddings | string or (embeddings == '' and node.name == polarlens._spaces()[0].images) -%}
        {%- set found.storage = node.config.get('storage') or 'halfvec' -%}
    {%- endfor -%}
    {{ found.storage }}
{%- endmacro %}
