-- As photo_filter, for texts.
{{ polarlens._filter_function('texts') }}
-- depends_on: {{ ref('text_embeddings') }}
