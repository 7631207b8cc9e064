create or replace function search_internal.spaces_agree(
    embeddings text,
    queries text,
    required boolean default false
) returns boolean
language plpgsql stable security definer
set search_path to pg_catalog, polar_ai, public, pg_temp
as $body$
    #variable_conflict use_column
    -- As the owner: readers see what their views compare, not the registry of spaces.
declare
    v_agree boolean;
begin
    select (
        s.query_models is null
        or s.query_models ? q.model_id and coalesce(s.query_models ->> q.model_id = q.model_fingerprint, true)
    ) into v_agree
    from polarlens.embedding_spaces as s
    cross join polarlens.embedding_spaces as q
    where s.relation = embeddings and q.relation = queries;
    if required and not v_agree then
        raise exception
            '% and % were not embedded by models that go together: a model changed between them', embeddings, queries
        using errcode = 'object_not_in_prerequisite_state', hint = 'dbt run brings both to the models as they are now.';
    end if;
    return coalesce(v_agree, true);
end
$body$;
