{#- Choose the table to work on: the model's own, or a new one beside it where its embeddings are of another model,
    of another storage, or not wanted any longer. Searches use the old table until _swap_in. -#}
{% macro _resolve_target_table(settings, plan) %}
    {% set target = polarlens._inspect_table(settings, plan, settings.target) %}
    {% set next = polarlens._inspect_table(settings, plan, settings.next) %}
    {% if next.exists and not next.current %}
        {#- A rebuild for an earlier model, never finished, is of no use. -#}
        {% call statement() %}
            drop table {{ settings.next }};
            delete from polarlens.embedding_spaces where relation = {{ polarlens._literal(settings.next_relation) }}
        {% endcall %}
    {% endif %}
    {% set discards = flags.FULL_REFRESH and var('discard_embeddings', false) %}
    {% set rebuilds = target.exists and (next.current or discards or not target.current) %}
    {% if rebuilds and not next.current %}
        {% set next = polarlens._start_rebuild(settings, plan, target, discards) %}
    {% elif flags.FULL_REFRESH and target.exists and not rebuilds %}
        {% set message = '%s: --full-refresh keeps the embeddings, which have been paid for. To make all of them anew: '
            ~ "dbt run --full-refresh --vars '{discard_embeddings: true}'" %}
        {% do log(message | format(settings.relation), info=True) %}
    {% endif %}
    {% set table = next if rebuilds else target %}
    {% do plan.update({
        'rebuilds': rebuilds,
        'table': settings.next if rebuilds else settings.target,
        'table_relation': settings.next_relation if rebuilds else settings.relation,
        'table_exists': table.exists,
        'table_dimension': table.dimension,
        'index_name': settings.next_index_name if rebuilds else settings.index_name
    }) %}
    {% if table.exists %}
        {% set models = polarlens._query_models(settings) %}
        {% call statement() %}
            update polarlens.embedding_spaces
            set query_models = {{ models }}
            where relation = {{ polarlens._literal(plan.table_relation) }}
                and query_models is distinct from {{ models }}
        {% endcall %}
    {% endif %}
    {% do adapter.commit() %}
{% endmacro %}


{#- Return what a table of embeddings is made of, and whether it is current: of the model and the storage of now. -#}
{% macro _inspect_table(settings, plan, table) %}
    {% set name = table.schema ~ '.' ~ table.identifier %}
    {% set relation = load_relation(table) %}
    {% if relation is none %}
        {{ return({'exists': False, 'current': False, 'dimension': none}) }}
    {% endif %}
    {% if not relation.is_table %}
        {% set message = '%s exists and is not a table: drop it, or give the model another name' %}
        {% do polarlens._raise_error(message | format(name)) %}
    {% endif %}
    {% set columns_sql %}
        select
            t.typname as storage,
            -- Without a type modifier the number of dimensions is not known yet; that of bit is 1.
            case when a.atttypmod > 1 or (a.atttypmod = 1 and t.typname <> 'bit') then a.atttypmod end as dimension,
            (
                select format_type(k.atttypid, k.atttypmod)
                from pg_attribute as k
                where k.attrelid = a.attrelid and k.attname = {{ polarlens._literal(settings.key_name) }}
            ) as key_type,
            (
                select s.model_fingerprint
                from polarlens.embedding_spaces as s
                where s.relation = {{ polarlens._literal(name) }}
            ) as fingerprint
        from pg_attribute as a
        inner join pg_type as t on a.atttypid = t.oid
        where a.attrelid = {{ polarlens._literal(table) }}::regclass and a.attname = 'embedding'
    {% endset %}
    {% set columns = polarlens._query(columns_sql) %}
    {% if columns | length == 0 or columns[0]['key_type'] is none %}
        {% set message = '%s exists and is no table of embeddings with the key %s: drop or rename it, '
            ~ 'or give the model another name' %}
        {% do polarlens._raise_error(message | format(name, settings.key_name)) %}
    {% endif %}
    {% do polarlens._citus_check_table(settings, table) %}
    {% set embedding = columns[0] %}
    {% set fingerprint = embedding['fingerprint']
        or polarlens._query_value('select model_fingerprint from ' ~ table ~ ' limit 1') %}
    {% set same_model = fingerprint in [none, plan.fingerprint] %}
    {{ return({
        'exists': True,
        'current': same_model and embedding['storage'] == settings.storage,
        'same_model': same_model,
        'storage': embedding['storage'],
        'dimension': embedding['dimension'],
        'key_type': embedding['key_type']
    }) }}
{% endmacro %}


{#- Begin a new table beside the old one. For another storage, copy the embeddings: that needs no model. -#}
{% macro _start_rebuild(settings, plan, old, discards) %}
    {% if old.same_model and not discards and old.storage != 'bit' %}
        {% do log('%s: storage changes from %s to %s; no model is called for it'
            | format(settings.relation, old.storage, settings.storage), info=True) %}
        {% do polarlens._create_embedding_table(settings, plan, settings.next, old.key_type, old.dimension) %}
        {% call statement() %}
            insert into {{ settings.next }} ({{ settings.key }}, source_version, model_fingerprint, embedding)
            select
                {{ settings.key }},
                source_version,
                model_fingerprint,
                {{ polarlens._to_storage_type('embedding::vector', settings, old.dimension) }}
            from {{ settings.target }}
        {% endcall %}
        {{ return({'exists': True, 'dimension': old.dimension}) }}
    {% endif %}
    {% if old.same_model and discards %}
        {% set line = '%s: discard_embeddings: everything is embedded anew, beside the old space' %}
    {% else %}
        {% set line = '%s: the model changed; building the new space beside the old one' %}
    {% endif %}
    {% do log(line | format(settings.relation), info=True) %}
    {{ return({'exists': False, 'dimension': none}) }}
{% endmacro %}


{#- Create a table: narrow, its vectors inline. Its primary key includes the version, for _find_changes to read. -#}
{% macro _create_embedding_table(settings, plan, table, key_type, dimension) %}
    {% set most = {'halfvec': 4000, 'vector': 2000, 'bit': 64000}[settings.storage] %}
    {% if dimension and dimension > most %}
        {% set message = '%s: an HNSW index takes %s of at most %s dimensions, and the model has %s: '
            ~ 'set storage to %s' %}
        {% do polarlens._raise_error(message | format(
            settings.relation, settings.storage, most, dimension, 'halfvec' if dimension <= 4000 else 'bit'
        )) %}
    {% endif %}
    {% call statement() %}
        create table {{ table }} (
            {{ settings.key }} {{ key_type }} not null,
            source_version bigint not null,
            model_fingerprint text not null,
            embedding {{ settings.storage }}{{ '(%s)' | format(dimension) if dimension }} not null,
            constraint {{ adapter.quote(table.identifier ~ '_pkey') }}
            primary key ({{ settings.key }}) include (source_version)
        );
        alter table {{ table }} alter column embedding set storage plain;
        insert into polarlens.embedding_spaces as s (relation, model_id, model_fingerprint, storage, query_models)
        values (
            {{ polarlens._literal(table.schema ~ '.' ~ table.identifier) }}, {{ polarlens._literal(settings.model) }},
            {{ polarlens._literal(plan.fingerprint) }}, '{{ settings.storage }}',
            {{ polarlens._query_models(settings) }}
        )
        on conflict (relation) do update set
            model_id = excluded.model_id, model_fingerprint = excluded.model_fingerprint,
            storage = excluded.storage, query_models = excluded.query_models, created_at = now()
    {% endcall %}
{% endmacro %}


{#- SQL for a vector as the table stores it: of length 1, or its signs. -#}
{% macro _to_storage_type(vector, settings, dimension) -%}
    {%- if settings.storage == 'bit' -%}
        binary_quantize({{ vector }}){{ '::bit(%s)' | format(dimension) if dimension }}
    {%- else -%}
        l2_normalize({{ vector }})::{{ settings.storage }}
    {%- endif -%}
{%- endmacro %}


{#- Create the table, or give its vectors the dimension that was not known when it was created for no rows. -#}
{% macro _ensure_table(settings, plan) %}
    {% if not plan.table_exists %}
        {% set key_type_sql %}
            select format_type(a.atttypid, a.atttypmod)
            from pg_attribute as a
            where a.attrelid = {{ polarlens._literal(settings.temporary.pending) }}::regclass and a.attname = 'key'
        {% endset %}
        {% set key_type = polarlens._query_value(key_type_sql) %}
        {% do polarlens._create_embedding_table(settings, plan, plan.table, key_type, plan.dimension) %}
        {% do adapter.commit() %}
    {% elif plan.dimension and not plan.table_dimension %}
        {% set type = '%s(%s)' | format(settings.storage, plan.dimension) %}
        {% call statement() %}
            alter table {{ plan.table }} alter column embedding type {{ type }} using embedding::{{ type }}
        {% endcall %}
        {% do adapter.commit() %}
    {% endif %}
    {% do plan.update({'batch_buffer': polarlens._citus_prepare_table(settings, plan)}) %}
{% endmacro %}


{#- Put the finished table in the place of the old one, in one transaction: a search sees one or the other, whole. -#}
{% macro _swap_in(settings, plan, run) %}
    {% if plan.rebuilds %}
        {% do polarlens._set_phase(run, 'swapping') %}
        {% set schema = adapter.quote(settings.target.schema) %}
        {#- In one statement, as no commit of dbt's may come between; and Citus takes the DDL in it one by one. -#}
        {% call statement() %}
            do $polarlens_swap$
            begin
                {{ polarlens._citus_sequential_sql(settings) }}
                perform polarlens._swap_table(
                    {{ polarlens._literal(settings.target) }}::regclass,
                    {{ polarlens._literal(settings.next) }}::regclass
                );
                alter index {{ schema }}.{{ adapter.quote(settings.next.identifier ~ '_pkey') }}
                rename to {{ adapter.quote(settings.target.identifier ~ '_pkey') }};
                alter index if exists {{ schema }}.{{ adapter.quote(settings.next_index_name) }}
                rename to {{ adapter.quote(settings.index_name) }};
                delete from polarlens.embedding_spaces where relation = {{ polarlens._literal(settings.relation) }};
                update polarlens.embedding_spaces
                set relation = {{ polarlens._literal(settings.relation) }}
                where relation = {{ polarlens._literal(settings.next_relation) }};
            end
            $polarlens_swap$
        {% endcall %}
        {% do adapter.commit() %}
        {% do log(settings.relation ~ ': the new space is in place', info=True) %}
    {% endif %}
{% endmacro %}
