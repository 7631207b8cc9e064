{#- PL/pgSQL that reads an embedded photo's vector into a variable, as far as the caller may see the photo. -#}
{% macro _photo_embedding(image_id, variable, model) -%}
    case coalesce({{ model }}, '{{ polarlens._spaces()[0].images }}')
        {%- for space in polarlens._spaces() %}
        when '{{ space.images }}' then
            select e.embedding into {{ variable }}
            from {{ polarlens._relation_of(space.images) }} as e
            inner join {{ polarlens._relation_of('stg_image_paths') }} as d on e.image_id = d.image_id
            where e.image_id = {{ image_id }};
        {%- endfor %}
        else
            {{ polarlens._unknown_space(model, 'images') }}
    end case;
    if {{ variable }} is null then
        raise exception 'photo % has no embedding', coalesce({{ image_id }}::text, 'NULL')
        using errcode = 'no_data_found',
        hint = 'select * from {{ polarlens._relation_of("photos") }} where image_id = …; tells how it stands.';
    end if;
{%- endmacro %}
