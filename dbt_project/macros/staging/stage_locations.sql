{#- List every location of the variable image_locations into the staging table, before the models run. -#}
{% macro stage_locations() %}
    {%- if execute and flags.WHICH in ['run', 'build'] -%}
        {%- for entry in var('image_locations', []) -%}
            {%- set given = {'location': entry} if entry is string else entry -%}
            {%- for option in given if option not in ['location', 'prefix', 'pattern', 'allow_empty'] -%}
                {%- set message = "image_locations: '%s' is none of location, prefix, pattern and allow_empty" -%}
                {{ exceptions.raise_compiler_error(message | format(option)) }}
            {%- endfor -%}
            {%- do polarlens.stage_listing(
                given.location, given.get('prefix', ''), given.get('pattern'), given.get('allow_empty', false)
            ) -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}
