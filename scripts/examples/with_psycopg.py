"""Photo search with psycopg 3: the search functions, and SQL of one's own.

    python scripts/examples/with_psycopg.py "a cat"

Connects with libpq's variables (PGHOST, …); a search reader's rights are enough: grant polarlens_reader to …;
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import psycopg
from pgvector import HalfVector
from pgvector.psycopg import register_vector
from psycopg.rows import class_row
from psycopg.types.json import Jsonb


@dataclass(frozen=True)
class Found:
    """A photo that a search found."""

    score: float
    path: str


def search(connection: psycopg.Connection[Any], words: str, k: int, **filters: object) -> list[Found]:
    """Text to images; for example ``search(connection, "a cat", 5, path_prefix="/photos/")``."""
    statement = """
        select score, path
        from search.search_images(query => %(words)s, k => %(k)s, filters => %(filters)s)
        order by rank
    """
    with connection.cursor(row_factory=class_row(Found)) as cursor:
        return cursor.execute(statement, {"words": words, "k": k, "filters": Jsonb(filters)}).fetchall()


def search_in_own_sql(connection: psycopg.Connection[Any], words: str, k: int) -> list[Found]:
    """Text to images with pgvector's operator, in the one shape that is safe: ascending, a scalar query, a limit."""
    statement = """
        select 1 - (e.embedding <=> (select search.query_vector(%(words)s))) as score, p.path
        from search_internal.image_embeddings as e
        inner join search.photos as p on e.image_id = p.image_id
        order by e.embedding <=> (select search.query_vector(%(words)s))
        limit %(k)s
    """
    with connection.cursor(row_factory=class_row(Found)) as cursor:
        return cursor.execute(statement, {"words": words, "k": k}).fetchall()


def vector(connection: psycopg.Connection[Any], words: str) -> HalfVector:
    """Return a text's vector, to work with in Python: ``.to_numpy()``."""
    register_vector(connection)
    row = connection.execute("select search.query_vector(%s)", [words]).fetchone()
    assert row is not None and isinstance(row[0], HalfVector)
    return row[0]


def main() -> None:
    """Print what is found, both ways."""
    words = sys.argv[1] if len(sys.argv) > 1 else "a cat"
    with psycopg.connect() as connection:
        print(f"{words}: a vector of {vector(connection, words).dimensions()} dimensions")
        for title, found in (
            ("search.search_images", search(connection, words, 3, path_prefix="/")),
            ("your own SQL", search_in_own_sql(connection, words, 3)),
        ):
            print(title)
            for photo in found:
                print(f"  {photo.score:.3f}  {photo.path}")


if __name__ == "__main__":
    main()
