-- As query_vector, for a photo that need not be in the collection.
declare
    v_model text;
begin
    {{ polarlens.check_query('photo', 'photo') }}
    v_model := case coalesce(model, '{{ polarlens.spaces()[0].images }}')
        {%- for space in polarlens.spaces() %}
        when '{{ space.images }}' then '{{ space.image_model }}'
        {%- endfor %}
    end;
    if v_model is null then
        {{ polarlens.unknown_space('model', 'images') }}
    end if;
    return l2_normalize({{ polarlens.runtime() }}.ai_embedding(v_model, photo)::vector);
end
