{#- What ref() gives, in a hook too. dbt lets a hook refer to nothing but what it named while it was parsed, whether or
    not that is enabled; which models there are is decided by the project that this one is installed in. -#}
{% macro _relation_of(name) %}
    {%- if not execute or model.resource_type != 'operation' -%}
        {{ return(ref(name)) }}
    {%- endif -%}
    {#- In dbt's own order of search. -#}
    {%- set order = [project_name, 'polarlens'] -%}
    {%- if flags.REQUIRE_REF_SEARCHES_NODE_PACKAGE_BEFORE_ROOT -%}{%- do order.reverse() -%}{%- endif -%}
    {%- set named = graph.nodes.values() | selectattr('resource_type', 'equalto', 'model') | selectattr('name', 'equalto', name) | list -%}
    {%- for package in order -%}
        {%- for node in named if node.package_name == package -%}
            {{ return(api.Relation.create(database=node.database, schema=node.schema, identifier=node.alias)) }}
        {%- endfor -%}
    {%- endfor -%}
    {{ exceptions.raise_compiler_error("there is no enabled model '" ~ name ~ "' (a search function or the variable more_spaces names it)") }}
{% endmacro %}
