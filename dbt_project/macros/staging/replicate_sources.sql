{#- On Citus, has every node keep a copy of what searches join with the shards: photos and texts become reference tables. -#}
{% macro replicate_sources() %}
    {%- if execute and flags.WHICH in ['run', 'build'] and polarlens._distributed() -%}
        {%- for model, table in [('stg_image_paths', 'polarlens.image_paths'), ('stg_texts', 'polarlens.texts')]
            if 'model.polarlens.' ~ model in graph.nodes and not polarlens._in_shards(table) -%}
            {%- if not polarlens._query_value("select pg_has_role(relowner, 'usage') from pg_class where oid = '" ~ table ~ "'::regclass") -%}
                {{ exceptions.raise_compiler_error(
                    'the variable distributed is citus, so searches join ' ~ table ~ ' on every worker, and this user does not own it. Once, as '
                    ~ "its owner: select create_reference_table('" ~ table ~ "');"
                ) }}
            {%- endif -%}
            {%- do polarlens._query(
                "select create_reference_table('" ~ table ~ "'); select truncate_local_data_after_distributing_table('" ~ table ~ "')"
            ) -%}
            {%- do adapter.commit() -%}
            {%- do log(table ~ ': every node of Citus keeps a copy now (a reference table)', info=True) -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}
