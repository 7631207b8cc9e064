{#- Return the registered model as it is now, and bound this session's calls to it: the first keys of the plan. -#}
{% macro _read_model(settings) %}
    {% set model_sql %}
        select
            m.fingerprint,
            m.kind,
            m.dimension,
            m.request_size,
            set_config('polar.ai.http_timeout_msec', '{{ settings.request_timeout * 1000 }}', false) as request_timeout,
            set_config('polar.ai.retry_times', '{{ settings.retry_times }}', false) as retry_times,
            set_config('polar.ai.retry_interval_msec', '1000', false) as retry_interval
        from polarlens._embedding_model({{ polarlens._literal(settings.model) }}) as m
    {% endset %}
    {% set model = polarlens._query(model_sql)[0] %}
    {{ return({
        'fingerprint': model['fingerprint'],
        'kind': model['kind'],
        'declared_dimension': model['dimension'],
        'request_size': model['request_size']
    }) }}
{% endmacro %}


{#- SQL for the models whose vectors this table is compared with, as they are now: those of its space, and its own. -#}
{% macro _query_models(settings) -%}
    {%- set models = [settings.model] -%}
    {%- for space in polarlens._spaces() if model.name in [space.images, space.get('texts')] -%}
        {%- do models.extend([space.get('text_model'), space.get('image_model')]) -%}
    {%- endfor -%}
    polarlens._fingerprints(array[
        {%- for name in models | select | unique -%}
            {{ polarlens._literal(name) }}{{ ', ' if not loop.last }}
        {%- endfor -%}
    ])
{%- endmacro %}


{#- Find the number of dimensions: the table's, or the one that the registry declares or the model answers with. -#}
{% macro _find_dimension(settings, plan, run) %}
    {% set probe = {'dimension': plan.table_dimension, 'first': 0, 'last': 1} %}
    {% if not plan.table_dimension and (plan.asked > 0 or not plan.table_exists) %}
        {% do probe.update({'dimension': plan.declared_dimension}) %}
        {#- Probe one input, and then, as that one may be bad, blocks of 32. _embed_pending embeds them again. -#}
        {% for _ in range([plan.asked, 100000] | min) %}
            {% if probe.dimension or probe.first >= plan.asked %}{% break %}{% endif %}
            {% set probe_sql %}
                with batch as materialized (
                    {{ polarlens._batch_inputs(settings, plan, probe.first, probe.last) | indent(20) }}
                )

                select
                    e.item,
                    e.error ->> 'message' as message,
                    vector_dims(e.embedding::vector) as dimension
                from polarlens._embed_ahead(
                    {{ polarlens._literal(settings.model) }},
                    (select array_agg(b.input order by b.item) from batch as b),
                    null, {{ settings.requests_in_flight }}, null
                ) as e
                order by e.embedding is null, e.item
                limit 1
            {% endset %}
            {% set answers = polarlens._query(probe_sql) %}
            {% if answers | length > 0 and answers[0]['item'] == 0 %}
                {% do polarlens._fail_run(settings, run, answers[0]['message']) %}
            {% endif %}
            {% do probe.update({
                'dimension': answers[0]['dimension'] if answers | length > 0 else none,
                'first': probe.last, 'last': probe.last + 32
            }) %}
        {% endfor %}
    {% endif %}
    {% do plan.update({'dimension': probe.dimension}) %}
{% endmacro %}
