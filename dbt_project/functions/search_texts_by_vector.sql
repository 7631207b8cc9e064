-- What every search for texts ends in.
{{ polarlens._search_by_vector('texts', ref('stg_texts'), 'text_id', 'text_filter', ['content']) }}
