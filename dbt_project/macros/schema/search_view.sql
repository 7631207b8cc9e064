{#- A view that is replaced in place. dbt's own `view` makes a new one and drops the old one with all that stands on it,
    so that views of people's own would go with every run. Only where the columns no longer fit are they lost here, too:
    PostgreSQL lets a view grow at its end, and nothing else. -#}
{% materialization search_view, adapter='postgres' %}
    {%- set target_relation = this.incorporate(type='view') -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- set definition -%}
        view {{ target_relation }}
            {% if config.get('contract').enforced %}{{ get_assert_columns_equivalent(sql) }}{% endif %}
            as (
                {{ sql }}
            )
    {%- endset -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {%- if existing is not none and not existing.is_view %}
        {% do adapter.drop_relation(existing) %}
    {%- endif %}
    {% call statement('main') %}
        do $polarlens_view$
        begin
            create or replace {{ definition }};
        exception when invalid_table_definition then
            drop view {{ target_relation }} cascade;
            create {{ definition }};
        end
        $polarlens_view$
    {% endcall %}
    {% do apply_grants(target_relation, config.get('grants'), should_revoke=True) %}
    {% do persist_docs(target_relation, model) %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {% do adapter.commit() %}
    {{ run_hooks(post_hooks, inside_transaction=False) }}

    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}
