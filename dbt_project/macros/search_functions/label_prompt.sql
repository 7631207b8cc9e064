{#- SQL for what the model is asked for a label: the variable label_prompt with the label in the place of {}. -#}
{% macro _label_prompt(label) -%}
    replace('{{ var("label_prompt", "a photo of {}") | replace("'", "''") }}', '{}', {{ label }})
{%- endmacro %}
