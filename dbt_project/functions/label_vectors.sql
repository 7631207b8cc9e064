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
    {{ polarlens._query_model('text_model') }}
    for label, embedding, v_fault in
        select v_labels[a.item], l2_normalize(a.embedding::vector), a.error
        from polarlens._embed(v_model, array(
            select {{ polarlens._label_prompt('l.label') }}
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
