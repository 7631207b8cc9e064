-- Fixed conditions, chosen by name; the values stay parameters of the statement that they end up in.
{{ polarlens._filter_function('images') }}
-- depends_on: {{ ref('image_embeddings') }}
