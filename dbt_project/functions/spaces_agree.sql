-- As the owner: readers see what their views compare, not the registry of spaces.
begin
    return coalesce(
        (
            select {{ polarlens.space_takes('q.model_id', 'q.model_fingerprint') }}
            from polarlens.embedding_spaces as s
            cross join polarlens.embedding_spaces as q
            where s.relation = embeddings and q.relation = queries
        ),
        true
    );
end
