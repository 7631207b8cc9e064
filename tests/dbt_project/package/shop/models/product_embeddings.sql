{{ config(materialized='embedding', key='product_id', input='title', model='embedding/clip_text') }}
select product_id, title from {{ ref('products') }}
