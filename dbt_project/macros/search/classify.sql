{#- For models: the likeliest labels of every photo, zero-shot, from embeddings that are there: no model is called.

        {{ polarlens.classify(
            ref('image_embeddings'), ref('label_embeddings'), ref('stg_labels'), where="l.label_set = 'food'"
        ) }}

    Gives image_id, label, score, probability and rank. `where` is SQL over l, the labels, and e, the photos. -#}
{% macro classify(embeddings, label_embeddings, labels, k=1, where='true', scale=none) -%}
    {%- set scored -%}
        (
            select
                e.image_id,
                l.label,
                1 - (e.embedding <=> v.embedding) as score
            from {{ embeddings }} as e
            cross join {{ labels }} as l
            inner join {{ label_embeddings }} as v on l.label_id = v.label_id
            where {{ where }}
        )
    {%- endset -%}
    select * from (
        {{ polarlens._label_probabilities(scored, scale or (function('logit_scale') ~ '(null)')) | indent(4) }}
    ) as likely
    where likely.rank <= {{ k }}
{%- endmacro %}
