{#- The model as registered, the bounds of this session's calls to it, and which table is to be worked on. -#}
{% macro _find_space(settings) %}
    {% set found = polarlens._query(
        "select m.fingerprint, m.in_fn is not null as transforms, r.model_config ->> 'dimension' as dimension,
            coalesce(r.model_config ->> 'input', 'text') as kind,
            case when jsonb_typeof(r.model_config -> 'batch_size') = 'number'
                then (r.model_config ->> 'batch_size')::integer else 32 end as request_size,
            set_config('polar.ai.http_timeout_msec', '" ~ settings.request_timeout * 1000 ~ "', false),
            set_config('polar.ai.retry_times', '" ~ settings.retry_times ~ "', false),
            set_config('polar.ai.retry_interval_msec', '1000', false)
        from " ~ polarlens._runtime() ~ "._model(" ~ polarlens._literal(settings.model) ~ ") as m
        cross join " ~ polarlens._runtime() ~ ".models as r where r.model_id = " ~ polarlens._literal(settings.model)
    )[0] %}
    {% do settings.update({
        'fingerprint': found['fingerprint'], 'transforms': found['transforms'], 'kind': found['kind'],
        'request_size': [found['request_size'], 1] | max,
        'declared': found['dimension'] | int if found['dimension'] else none
    }) %}
    {% set old = polarlens._space_of(settings, settings.target) %}
    {% set next = polarlens._space_of(settings, settings.next) %}
    {% if next.exists and not next.current %}
        {#- What an earlier model began and never finished is of no use. -#}
        {% do polarlens._drop_space(settings.next) %}
        {% do next.update({'exists': False}) %}
    {% endif %}
    {% do settings.update({'work_exists': old.exists}) %}
    {% if old.exists and (not old.current or next.exists or polarlens._discards()) %}
        {% do settings.update({'work': settings.next, 'work_exists': next.exists}) %}
        {% if not next.exists %}
            {% do polarlens._begin_next_space(settings, old) %}
        {% endif %}
    {% elif flags.FULL_REFRESH and old.exists %}
        {% do log(
            settings.relation ~ ": --full-refresh keeps the embeddings, which have been paid for. To make all of them anew: "
            ~ "dbt run --full-refresh --vars '{discard_embeddings: true}'", info=True
        ) %}
    {% endif %}
    {% if settings.work_exists %}
        {% do polarlens._query(
            "update polarlens.embedding_spaces set query_models = " ~ polarlens._query_models(settings)
            ~ " where relation = " ~ polarlens._literal(settings.work.schema ~ '.' ~ settings.work.identifier)
            ~ " and query_models is distinct from " ~ polarlens._query_models(settings)
        ) %}
    {% endif %}
    {% do adapter.commit() %}
{% endmacro %}


{#- SQL for the models whose vectors this table is compared with, as they are now: those of its space, and its own. -#}
{% macro _query_models(settings) -%}
    {%- set models = [settings.model] -%}
    {%- for space in polarlens._spaces() if model.name in [space.images, space.get('texts')] -%}
        {%- do models.extend([space.get('text_model'), space.get('image_model')]) -%}
    {%- endfor -%}
    {{ polarlens._runtime() }}._fingerprints(array[
        {%- for name in models | select | unique %}{{ polarlens._literal(name) }}{{ ', ' if not loop.last }}{% endfor -%}
    ])
{%- endmacro %}


{#- Whether a full refresh was told outright to throw paid work away. -#}
{% macro _discards() %}
    {{ return(flags.FULL_REFRESH and var('discard_embeddings', false)) }}
{% endmacro %}


{#- What a table of embeddings is made of, and whether that is what the model and the config say now. -#}
{% macro _space_of(settings, table) %}
    {% set relation = load_relation(table) %}
    {% if relation is none %}
        {{ return({'exists': False, 'current': False}) }}
    {% endif %}
    {% if not relation.is_table %}
        {{ exceptions.raise_database_error(table.schema ~ '.' ~ table.identifier ~ ' exists and is not a table: drop it, or give the model another name') }}
    {% endif %}
    {% set name = polarlens._literal(table.schema ~ '.' ~ table.identifier) %}
    {% set found = polarlens._query(
        "select t.typname as storage,
            (select s.model_fingerprint from polarlens.embedding_spaces as s where s.relation = " ~ name ~ ") as fingerprint,
            exists (
                select from pg_attribute as k
                where k.attrelid = a.attrelid and k.attname = " ~ polarlens._literal(settings.key) ~ "
            ) as keyed
        from pg_attribute as a
        inner join pg_type as t on a.atttypid = t.oid
        where a.attrelid = " ~ polarlens._literal(table) ~ "::regclass and a.attname = 'embedding'"
    ) %}
    {% if found | length == 0 or not found[0]['keyed'] %}
        {{ exceptions.raise_database_error(
            table.schema ~ '.' ~ table.identifier ~ ' exists and is no table of embeddings with the key ' ~ settings.key
            ~ ': drop or rename it, or give the model another name'
        ) }}
    {% endif %}
    {% do polarlens._check_not_in_shards(settings, table) %}
    {% set fingerprint = found[0]['fingerprint'] or polarlens._query_value("select model_fingerprint from " ~ table ~ " limit 1") %}
    {% set same_model = fingerprint in [none, settings.fingerprint] %}
    {{ return({
        'exists': True, 'storage': found[0]['storage'], 'same_model': same_model,
        'current': same_model and found[0]['storage'] == settings.storage
    }) }}
{% endmacro %}


{#- Rows of another model are another space: the new one is built beside it, and swapped in when it is whole. -#}
{% macro _begin_next_space(settings, old) %}
    {% if old.same_model and not polarlens._discards() and old.storage != 'bit' %}
        {% do log(settings.relation ~ ': storage changes from ' ~ old.storage ~ ' to ' ~ settings.storage ~ '; no model is called for it', info=True) %}
        {% set dimension = polarlens._query_value(
            "select nullif(atttypmod, -1) from pg_attribute where attname = 'embedding' and attrelid = " ~ polarlens._literal(settings.target) ~ "::regclass"
        ) %}
        {% set key_type = polarlens._query_value(
            "select format_type(atttypid, atttypmod) from pg_attribute where attname = " ~ polarlens._literal(settings.key)
            ~ " and attrelid = " ~ polarlens._literal(settings.target) ~ "::regclass"
        ) %}
        {% do polarlens._create_embedding_table(settings, key_type, dimension) %}
        {% do polarlens._query(
            "insert into " ~ settings.next ~ " (" ~ adapter.quote(settings.key) ~ ", source_version, model_fingerprint, embedding)
            select " ~ adapter.quote(settings.key) ~ ", source_version, model_fingerprint, " ~ polarlens._stored('embedding::vector', settings, dimension) ~ "
            from " ~ settings.target
        ) %}
    {% elif old.same_model and polarlens._discards() %}
        {% do log(settings.relation ~ ': discard_embeddings: everything is embedded anew, beside the old space', info=True) %}
    {% else %}
        {% do log(settings.relation ~ ': the model changed; building the new space beside the old one', info=True) %}
    {% endif %}
{% endmacro %}


{#- The table: narrow, its vectors inline. The primary key holds all that finding changes needs to read. -#}
{% macro _create_embedding_table(settings, key_type, dimension) %}
    {% set most = {'halfvec': 4000, 'vector': 2000, 'bit': 64000}[settings.storage] %}
    {% if dimension and dimension > most %}
        {{ exceptions.raise_database_error(
            settings.relation ~ ': an HNSW index takes ' ~ settings.storage ~ ' of at most ' ~ most ~ ' dimensions, and the model has '
            ~ dimension ~ ': set storage to ' ~ ('halfvec' if dimension <= 4000 else 'bit')
        ) }}
    {% endif %}
    {% set work = settings.work %}
    {% do polarlens._query(
        "create table " ~ work ~ " (
            " ~ adapter.quote(settings.key) ~ " " ~ key_type ~ " not null,
            source_version bigint not null,
            model_fingerprint text not null,
            embedding " ~ settings.storage ~ ('(' ~ dimension ~ ')' if dimension else '') ~ " not null,
            constraint " ~ adapter.quote(work.identifier ~ '_pkey') ~ " primary key (" ~ adapter.quote(settings.key) ~ ") include (source_version)
        );
        alter table " ~ work ~ " alter column embedding set storage plain;
        insert into polarlens.embedding_spaces as s (relation, model_id, model_fingerprint, storage, query_models)
        values (" ~ polarlens._literal(work.schema ~ '.' ~ work.identifier) ~ ", " ~ polarlens._literal(settings.model) ~ ",
            " ~ polarlens._literal(settings.fingerprint) ~ ", " ~ polarlens._literal(settings.storage) ~ ", " ~ polarlens._query_models(settings) ~ ")
        on conflict (relation) do update set
            model_id = excluded.model_id, model_fingerprint = excluded.model_fingerprint,
            storage = excluded.storage, query_models = excluded.query_models, created_at = now()"
    ) %}
    {% do settings.update({'work_exists': true, 'dimension': dimension}) %}
{% endmacro %}


{#- Drops a table that was never finished. -#}
{% macro _drop_space(table) %}
    {% do polarlens._query(
        "drop table " ~ table ~ ";
        delete from polarlens.embedding_spaces where relation = " ~ polarlens._literal(table.schema ~ '.' ~ table.identifier)
    ) %}
{% endmacro %}


{#- A vector as the table stores it: of length 1, or its signs. -#}
{% macro _stored(vector, settings, dimension) -%}
    {%- if settings.storage == 'bit' -%}
        binary_quantize({{ vector }}){{ '::bit(' ~ dimension ~ ')' if dimension else '' }}
    {%- else -%}
        l2_normalize({{ vector }})::{{ settings.storage }}
    {%- endif -%}
{%- endmacro %}


{#- Puts a finished space in the place of the old one, in one transaction: searches see the one or the other, whole. -#}
{% macro _swap_in(settings, run) %}
    {% if settings.work != settings.target %}
        {% do polarlens._set_phase(run, 'swapping') %}
        {% set schema = adapter.quote(settings.target.schema) %}
        {#- One statement, whatever dbt thinks of transactions; and Citus takes the DDL in it one by one. -#}
        {% do polarlens._query(
            "do $polarlens_swap$
            begin
                " ~ polarlens._one_connection_sql(settings) ~ "
                perform " ~ polarlens._runtime() ~ "._swap_table(" ~ polarlens._literal(settings.target) ~ "::regclass, " ~ polarlens._literal(settings.next) ~ "::regclass);
                alter index " ~ schema ~ "." ~ adapter.quote(settings.next.identifier ~ '_pkey') ~ " rename to " ~ adapter.quote(settings.target.identifier ~ '_pkey') ~ ";
                alter index if exists " ~ schema ~ "." ~ adapter.quote(settings.next.identifier ~ '__hnsw') ~ " rename to " ~ adapter.quote(settings.index_name) ~ ";
                delete from polarlens.embedding_spaces where relation = " ~ polarlens._literal(settings.relation) ~ ";
                update polarlens.embedding_spaces set relation = " ~ polarlens._literal(settings.relation) ~ "
                where relation = " ~ polarlens._literal(settings.next.schema ~ '.' ~ settings.next.identifier) ~ ";
            end
            $polarlens_swap$"
        ) %}
        {% do adapter.commit() %}
        {% do settings.update({'work': settings.target}) %}
        {% do log(settings.relation ~ ': the new space is in place', info=True) %}
    {% endif %}
{% endmacro %}
