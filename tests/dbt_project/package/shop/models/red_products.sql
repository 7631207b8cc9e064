select found.rank, found.product_id, found.title
from (
    {{ polarlens.nearest_to(
        ref('product_embeddings'), 'something red', key='product_id', k=2,
        join='inner join ' ~ ref('products') ~ ' as p on e.product_id = p.product_id', columns=['p.title'], where='p.price < 500'
    ) }}
) as found
