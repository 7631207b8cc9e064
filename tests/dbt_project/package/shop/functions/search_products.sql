begin
    return query
    select f.rank, f.product_id, f.score
    from ({{ polarlens.nearest_to(
        ref('product_embeddings'), key='product_id', k=100, vector=polarlens.text_vector(expression='search_products.query')
    ) }}) as f
    order by f.rank
    limit search_products.k;
end
