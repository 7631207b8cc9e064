-- Readers cannot read the registry; this one number of it they need.
begin
    return coalesce((
        select (m.model_config ->> 'logit_scale')::double precision
        from polarlens.models as m
        where m.model_id = case coalesce(model, '{{ polarlens._spaces()[0].images }}')
            {%- for space in polarlens._spaces() | selectattr('text_model') %}
            when '{{ space.images }}' then '{{ space.text_model }}'
            {%- endfor %}
        end
    ), 100);
end
