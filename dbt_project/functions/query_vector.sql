-- The one step that calls a model for a reader: it runs as the owner, and takes only the models of the spaces.
declare
    v_model text;
begin
    {{ polarlens.check_query('query') }}
    v_model := case coalesce(model, '{{ polarlens.spaces()[0].images }}')
        {%- for space in polarlens.spaces() %}
        when '{{ space.images }}' then '{{ space.text_model }}'
        {%- endfor %}
    end;
    if v_model is null then
        {{ polarlens.unknown_space('model', 'images') }}
    end if;
    return l2_normalize({{ polarlens.runtime() }}.ai_embedding(v_model, query)::vector);
end
