-- How much of each source is embedded. Calls no model.
{% set tracked_tables = [
    ('image_embeddings', 'stg_image_paths', 'image_id'),
    ('text_embeddings', 'stg_texts', 'text_id'),
    ('label_embeddings', 'stg_labels', 'label_id'),
    ('saved_search_embeddings', 'stg_saved_searches', 'search_id')
] %}

with counted as (

    {% for embeddings, sources, key in tracked_tables %}
        select
            '{{ ref(embeddings).schema }}.{{ ref(embeddings).identifier }}' as relation,
            (select count(*) from {{ ref(sources) }}) as sources,
            (
                select count(*)
                from {{ ref(sources) }} as s
                inner join {{ ref(embeddings) }} as e on s.{{ key }} = e.{{ key }}
            ) as embedded
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

failures as (

    select
        relation,
        count(*) as failed
    from {{ source('polarlens_runs', 'embedding_errors') }}
    group by relation

)

select
    counted.relation,
    counted.sources,
    counted.embedded,
    coalesce(failures.failed, 0) as failed,
    greatest(counted.sources - counted.embedded - coalesce(failures.failed, 0), 0) as pending,
    (100.0 * counted.embedded / nullif(counted.sources, 0))::numeric(4, 1) as percent_embedded
from counted
left join failures on counted.relation = failures.relation
