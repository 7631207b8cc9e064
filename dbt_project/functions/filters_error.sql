-- What photo_filter would raise, as a text: one wrong row of saved searches must not spoil the others' results.
begin
    perform {{ polarlens._search_function_name('photo_filter') }}(filters);
    return null;
exception when data_exception then
    return sqlerrm;
end
-- depends_on: {{ ref('image_embeddings') }}
