{#- The HNSW index: built once after the first load, kept by every later run. -#}
{% macro build_index(settings) %}
    {% set name = settings.index_name if settings.work == settings.target else settings.next.identifier ~ '__hnsw' %}
    {% set state = polarlens.query(
        "select to_regclass(" ~ polarlens.literal(settings.work.schema ~ '.' ~ name) ~ ") is not null as built,
            exists (select from " ~ settings.work ~ ") as filled"
    )[0] %}
    {% if state['filled'] and not state['built'] %}
        {% do log(settings.relation ~ ': building the HNSW index', info=True) %}
        {% do polarlens.fix_dimension(settings) %}
        {% do polarlens.query(
            "create index " ~ name ~ " on " ~ settings.work ~ " using hnsw (embedding " ~ settings.storage ~ "_cosine_ops)
            with (m = " ~ settings.index.get('m', 16) ~ ", ef_construction = " ~ settings.index.get('ef_construction', 64) ~ ")"
        ) %}
        {% do polarlens.query("analyze " ~ settings.work) %}
    {% endif %}
    {% do adapter.commit() %}
{% endmacro %}


{#- A table made before its model had embedded anything learns its dimension from its first rows. -#}
{% macro fix_dimension(settings) %}
    {% set unknown = polarlens.query_value(
        "select atttypmod = -1 from pg_attribute where attname = 'embedding' and attrelid = " ~ polarlens.literal(settings.work) ~ "::regclass"
    ) %}
    {% if unknown %}
        {% set dimension = polarlens.query_value("select vector_dims(embedding) from " ~ settings.work ~ " limit 1") %}
        {% do polarlens.query("alter table " ~ settings.work ~ " alter column embedding type " ~ settings.storage ~ "(" ~ dimension ~ ")") %}
    {% endif %}
{% endmacro %}


{#- Puts the space of a changed model in the place of the old one, in one transaction: no search sees a mixture.
    Views on the old table go with it, as with any dbt table that is replaced; dbt builds them next. -#}
{% macro swap_in(settings) %}
    {% if settings.work != settings.target %}
        {% do polarlens.query(
            "drop table " ~ settings.target ~ " cascade;
            alter table " ~ settings.next ~ " rename constraint " ~ adapter.quote(settings.next.identifier ~ '_pkey')
            ~ " to " ~ adapter.quote(settings.target.identifier ~ '_pkey') ~ ";
            alter table " ~ settings.next ~ " rename to " ~ adapter.quote(settings.target.identifier) ~ ";
            alter index if exists " ~ settings.target.schema ~ "." ~ adapter.quote(settings.next.identifier ~ '__hnsw')
            ~ " rename to " ~ adapter.quote(settings.index_name)
        ) %}
        {% do log(settings.relation ~ ': the new space is in place', info=True) %}
    {% endif %}
{% endmacro %}
