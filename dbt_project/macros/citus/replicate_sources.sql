{#- Have every node of Citus keep a copy of the tables that searches join with the shards: photos and texts. -#}
{% macro replicate_sources() %}
    {%- if execute and flags.WHICH in ['run', 'build'] and polarlens._distributed() -%}
        {%- for model, table in [('stg_image_paths', 'polarlens.image_paths'), ('stg_texts', 'polarlens.texts')]
            if 'model.polarlens.' ~ model in graph.nodes and not polarlens._in_shards(table) -%}
            {%- set owned_sql -%}
                select pg_has_role(relowner, 'usage') from pg_class where oid = '{{ table }}'::regclass
            {%- endset -%}
            {%- if not polarlens._query_value(owned_sql) -%}
                {%- set message = 'the variable distributed is citus, so searches join %s on every worker, and this '
                    ~ "user does not own it. Once, as its owner: select create_reference_table('%s');" -%}
                {{ exceptions.raise_compiler_error(message | format(table, table)) }}
            {%- endif -%}
            {%- call statement() -%}
                select create_reference_table('{{ table }}');
                select truncate_local_data_after_distributing_table('{{ table }}')
            {%- endcall -%}
            {%- do adapter.commit() -%}
            {%- do log(table ~ ': every node of Citus keeps a copy now (a reference table)', info=True) -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}
