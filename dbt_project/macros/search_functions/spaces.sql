{#- The spaces that photos can be searched in, the first by default: which embedding models hold them, which registered
    models embed queries for them. A second one is one entry of the variable more_spaces. The defaults repeat
    dbt_project.yml's, because a macro that a model of another project calls does not see those. -#}
{% macro _spaces() %}
    {{ return([{
        'images': 'image_embeddings', 'texts': 'text_embeddings',
        'text_model': var('text_model', 'embedding/clip_text'),
        'image_model': var('image_model', 'embedding/clip_image')
    }] + var('more_spaces', [])) }}
{% endmacro %}


{#- PL/pgSQL for the embedding table of a space, NULL for an unknown one. -#}
{% macro _table_of_space(space, entity) -%}
    case coalesce({{ space }}, '{{ polarlens._spaces()[0][entity] }}')
        {%- for known in polarlens._spaces() | selectattr(entity, 'defined') %}
        when '{{ known[entity] }}' then '{{ polarlens._ref_in_hook(known[entity]) }}'
        {%- endfor %}
    end
{%- endmacro %}


{#- PL/pgSQL that reads the vector of an embedded photo into a variable, if the caller may see the photo. -#}
{% macro _photo_embedding(image_id, variable, space) -%}
    case coalesce({{ space }}, '{{ polarlens._spaces()[0].images }}')
        {%- for known in polarlens._spaces() %}
        when '{{ known.images }}' then
            select e.embedding into {{ variable }}
            from {{ polarlens._ref_in_hook(known.images) }} as e
            inner join {{ polarlens._ref_in_hook('stg_image_paths') }} as d on e.image_id = d.image_id
            where e.image_id = {{ image_id }};
        {%- endfor %}
        else
            {{ polarlens._raise_unknown_space(space, 'images') | indent(8) }}
    end case;
    if {{ variable }} is null then
        raise exception 'photo % has no embedding', coalesce({{ image_id }}::text, 'NULL')
        using errcode = 'no_data_found',
        hint = 'select * from {{ polarlens._ref_in_hook("photos") }} where image_id = …; tells how it stands.';
    end if;
{%- endmacro %}


{#- PL/pgSQL that sets v_model to the registered model that embeds queries for the space `model`. It refuses an unknown
    name, and a model that has changed since the space was embedded. `model_role` is text_model or image_model: a space
    of an image-only model has no text_model. A space is named by the embedding model of its photos or of its texts.
    -#}
{% macro _query_model(model_role) -%}
    {%- set fingerprint = '(select m.fingerprint from polarlens._embedding_model(v_model) as m)' -%}
    {%- set models = {} -%}
    {%- for space in polarlens._spaces() | selectattr(model_role) -%}
        {%- for entity in ['images', 'texts'] if entity in space -%}
            {%- do models.update({space[entity]: space[model_role]}) -%}
        {%- endfor -%}
    {%- endfor -%}
    case coalesce(model, '{{ polarlens._spaces()[0].images }}')
        {%- for embeddings, registered in models.items() %}
        when '{{ embeddings }}' then
            v_model := '{{ registered }}';
            {#- A project that embeds texts alone has no table of photos, and nothing to compare with. -#}
            {%- for node in (polarlens._models_named(embeddings) if execute else [])[:1] %}
            {%- set relation = node.schema ~ '.' ~ node.alias %}
            if exists (
                select from polarlens.embedding_spaces as s
                where s.relation = '{{ relation }}'
                    and not {{ polarlens._space_takes('v_model', fingerprint) | indent(20) }}
            ) then
                raise exception
                    'model % has changed since {{ relation }} was embedded: its vectors cannot be compared with those',
                    v_model
                using errcode = 'object_not_in_prerequisite_state',
                hint = 'dbt run embeds everything anew and then takes the new model for searches; '
                    'or put the old one back (polar_ai.ai_altermodel).';
            end if;
            {%- endfor %}
        {%- endfor %}
        else
            {{ polarlens._raise_unknown_space('model', 'images', model_role) | indent(8) }}
    end case;
{%- endmacro %}


{#- SQL: whether a space, a row s of polarlens.embedding_spaces, takes query vectors of a model as it is now. It lets
    pass what it does not know: spaces older than this record, and models that the refresh may not call. -#}
{% macro _space_takes(model_id, fingerprint) -%}
    (
        s.query_models is null
        or s.query_models ? {{ model_id }} and coalesce(s.query_models ->> {{ model_id }} = {{ fingerprint }}, true)
    )
{%- endmacro %}


{#- SQL: whether the vectors of one embedding table may be compared with those of another: not while a change of model
    has reached only one of them. `required` makes that an error. In a search function, `by` is
    _search_function_name's. -#}
{% macro _spaces_agree(embeddings, queries, required=false, by=none) -%}
    {%- set searched = embeddings.schema ~ '.' ~ embeddings.identifier -%}
    {%- set compared = queries.schema ~ '.' ~ queries.identifier -%}
    {{ by or function('spaces_agree') }}('{{ searched }}', '{{ compared }}', {{ required | lower }})
{%- endmacro %}


{#- The type of an embedding model's vectors, for a variable of a search function. Without its dimension: a session
    that has compiled the function must survive a change of the model. Without an argument, the type of the default
    space. -#}
{% macro _vector_type(embeddings='') -%}
    {%- set found = namespace(storage='halfvec') -%}
    {%- set first = polarlens._spaces()[0].images -%}
    {%- for node in (graph.nodes.values() if execute else [])
        if node.get('relation_name') == embeddings | string or (embeddings == '' and node.name == first) -%}
        {%- set found.storage = node.config.get('storage') or 'halfvec' -%}
    {%- endfor -%}
    {{ found.storage }}
{%- endmacro %}


{#- The enabled models of a name, in whatever project. -#}
{% macro _models_named(name) %}
    {%- set models = graph.nodes.values() | selectattr('resource_type', 'equalto', 'model') -%}
    {{ return(models | selectattr('name', 'equalto', name) | list) }}
{% endmacro %}


{#- ref(), also in a hook. dbt lets a hook refer only to models that it named while it was parsed, enabled or not, and
    the project that this one is installed in decides which models there are. -#}
{% macro _ref_in_hook(name) %}
    {%- if not execute or model.resource_type != 'operation' -%}
        {{ return(ref(name)) }}
    {%- endif -%}
    {#- In dbt's own order of search. -#}
    {%- set order = [project_name, 'polarlens'] -%}
    {%- if flags.REQUIRE_REF_SEARCHES_NODE_PACKAGE_BEFORE_ROOT -%}{%- do order.reverse() -%}{%- endif -%}
    {%- for package in order -%}
        {%- for node in polarlens._models_named(name) if node.package_name == package -%}
            {{ return(api.Relation.create(database=node.database, schema=node.schema, identifier=node.alias)) }}
        {%- endfor -%}
    {%- endfor -%}
    {{ exceptions.raise_compiler_error(
        "there is no enabled model '" ~ name ~ "' (a search function or the variable more_spaces names it)"
    ) }}
{% endmacro %}


{#- The qualified name of one of this project's search functions, wherever dbt builds them. -#}
{% macro _search_function_name(name) -%}
    {%- set found = namespace(schema=target.schema) -%}
    {%- for function in (graph.get('functions', {}).values() if execute else []) if function.name == name -%}
        {%- set found.schema = function.schema -%}
    {%- endfor -%}
    {{ adapter.quote(found.schema) }}.{{ name }}
{%- endmacro %}


{#- The schema of what is for no reader. -#}
{% macro _internal_schema() -%}
    {%- set found = namespace(schema=target.schema) -%}
    {%- for function in (graph.functions.values() if execute else []) if function.name == 'photo_filter' -%}
        {%- set found.schema = function.schema -%}
    {%- endfor -%}
    {{ found.schema }}
{%- endmacro %}
