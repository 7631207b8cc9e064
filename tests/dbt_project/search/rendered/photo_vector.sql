create or replace function search.photo_vector(
    photo text,
    model text default null::text
) returns halfvec
language plpgsql stable security definer
set search_path to pg_catalog, polar_ai, public, pg_temp
as $body$
    #variable_conflict use_column
    -- As query_vector, for a photo that need not be in the collection.
declare
    v_model text;
begin
    if photo is null or btrim(photo) = '' then
        raise exception 'the photo is empty: say what to look for'
        using errcode = 'null_value_not_allowed';
    end if;
    case coalesce(model, 'image_embeddings')
        when 'image_embeddings' then
            v_model := 'embedding/clip_image';
            if exists (
                select from polarlens.embedding_spaces as s
                where s.relation = 'search_internal.image_embeddings'
                    and not (
                            s.query_models is null
                            or s.query_models ? v_model and coalesce(s.query_models ->> v_model = (select m.fingerprint from polarlens._embedding_model(v_model) as m), true)
                        )
            ) then
                raise exception
                    'model % has changed since search_internal.image_embeddings was embedded: its vectors cannot be compared with those',
                    v_model
                using errcode = 'object_not_in_prerequisite_state',
                hint = 'dbt run embeds everything anew and then takes the new model for searches; '
                    'or put the old one back (polar_ai.ai_altermodel).';
            end if;
        when 'text_embeddings' then
            v_model := 'embedding/clip_image';
            if exists (
                select from polarlens.embedding_spaces as s
                where s.relation = 'search_internal.text_embeddings'
                    and not (
                            s.query_models is null
                            or s.query_models ? v_model and coalesce(s.query_models ->> v_model = (select m.fingerprint from polarlens._embedding_model(v_model) as m), true)
                        )
            ) then
                raise exception
                    'model % has changed since search_internal.text_embeddings was embedded: its vectors cannot be compared with those',
                    v_model
                using errcode = 'object_not_in_prerequisite_state',
                hint = 'dbt run embeds everything anew and then takes the new model for searches; '
                    'or put the old one back (polar_ai.ai_altermodel).';
            end if;
        else
            raise exception 'there is no model % to search images with by a photo', model
            using errcode = 'undefined_object',
            hint = 'Choose one of: image_embeddings; or leave it out.';
    end case;
    return l2_normalize(polarlens._query_embedding(v_model, photo)::vector);
end
$body$;
