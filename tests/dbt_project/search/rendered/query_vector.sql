create or replace function search.query_vector(
    query text,
    model text default null::text
) returns halfvec
language plpgsql stable security definer
set search_path to pg_catalog, polar_ai, public, pg_temp
as $body$
    #variable_conflict use_column
    -- The one step that calls a model for a reader: it runs as the owner, and takes only the models of the spaces.
declare
    v_model text;
begin
    if query is null or btrim(query) = '' then
        raise exception 'the query is empty: say what to look for'
        using errcode = 'null_value_not_allowed';
    end if;
    case coalesce(model, 'image_embeddings')
        when 'image_embeddings' then
            v_model := 'embedding/clip_text';
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
            v_model := 'embedding/clip_text';
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
            raise exception 'there is no model % to search images with by a text', model
            using errcode = 'undefined_object',
            hint = 'Choose one of: image_embeddings; or leave it out.';
    end case;
    return l2_normalize(polarlens._query_embedding(v_model, query)::vector);
end
$body$;
