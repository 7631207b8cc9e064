{#- SQL for what the model is asked for a label: the variable label_prompt with the label in the place of {}. -#}
{% macro _label_prompt(label) -%}
    replace({{ polarlens._literal(var('label_prompt', 'a photo of {}')) }}, '{}', {{ label }})
{%- endmacro %}


{#- Zero-shot classification: turns a relation of image_id, label and score (cosine similarity) into ranked labels with
    probabilities, the softmax of the scores times the model's logit scale over the labels of one photo (and one set).
    `keep` names further columns of the relation to pass on. -#}
{% macro _label_probabilities(scored, scale, keep=[], by=['image_id']) -%}
    select
        {%- for column in by + keep %}
        w.{{ column }},
        {%- endfor %}
        w.label,
        w.score,
        w.weight / sum(w.weight) over (partition by w.{{ by | join(', w.') }}) as probability,
        (row_number() over (partition by w.{{ by | join(', w.') }} order by w.score desc, w.label asc))::integer as rank
    from (
        select
            s.*,
            -- Less the highest, so that no exponent overflows.
            exp({{ scale }} * (s.score - max(s.score) over (partition by s.{{ by | join(', s.') }}))) as weight
        from {{ scored }} as s
    ) as w
{%- endmacro %}
