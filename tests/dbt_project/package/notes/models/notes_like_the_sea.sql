select found.rank, found.note_id
from ({{ polarlens.nearest_to(ref('note_embeddings'), 'something blue', key='note_id', k=1) }}) as found
