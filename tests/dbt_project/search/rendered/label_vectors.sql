create or replace function search_internal.label_vectors(
    labels text[],
    model text default null::text
) returns table (
    label text,
    embedding halfvec
)
language plpgsql stable security definer
set search_path to pg_catalog, polar_ai, public, pg_temp
as $body$
    #variable_conflict use_column
    -- Every label embedded once, all in one call to the model, as the owner.
declare
    v_model text;
    v_labels text[] := array(select distinct l from unnest(labels) as l where btrim(l) <> '');
    v_fault jsonb;
begin
    if cardinality(v_labels) = 0 then
        raise exception 'there are no labels: name at least one'
        using errcode = 'null_value_not_allowed', hint = 'For example: labels => array[''noodles'', ''rice''].';
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
    for label, embedding, v_fault in
        select v_labels[a.item], l2_normalize(a.embedding::vector), a.error
        from polarlens._embed(v_model, array(
            select replace('a photo of {}', '{}', l.label)
            from unnest(v_labels) with ordinality as l (label, n)
            order by l.n
        )) as a
    loop
        if v_fault is not null then
            perform polarlens._raise(v_fault);
        end if;
        return next;
    end loop;
end
$body$;
