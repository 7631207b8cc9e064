"""Photo search with SQLAlchemy 2 and pgvector: the search functions, and a statement of one's own.

    python scripts/examples/with_sqlalchemy.py "a cat"

Connects with libpq's variables (PGHOST, …); a search reader's rights are enough: grant polarlens_reader to …;
"""

from __future__ import annotations

import sys

from pgvector import HalfVector
from pgvector.sqlalchemy import HALFVEC
from sqlalchemy import ColumnElement, Float, Text, column, create_engine, func, literal, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column


class Base(DeclarativeBase):
    """The models below."""


class ImageEmbedding(Base):
    """A photo's vector: the table that `dbt run` keeps."""

    __tablename__ = "image_embeddings"
    __table_args__ = {"schema": "search_internal"}  # noqa: RUF012 - as SQLAlchemy wants it
    image_id: Mapped[int] = mapped_column(primary_key=True)
    embedding: Mapped[HalfVector] = mapped_column(HALFVEC)


class Photo(Base):
    """A photo and what is known of it: a view."""

    __tablename__ = "photos"
    __table_args__ = {"schema": "search"}  # noqa: RUF012
    image_id: Mapped[int] = mapped_column(primary_key=True)
    path: Mapped[str]
    caption: Mapped[str | None]


def named(**arguments: ColumnElement[object] | str | int) -> list[ColumnElement[object]]:
    """Return arguments that a function is given by their names: query => …, k => …."""
    return [column(name).op("=>")(value) for name, value in arguments.items()]


def search(session: Session, words: str, k: int, **filters: object) -> list[tuple[float, str]]:
    """Text to images; for example ``search(session, "a cat", 5, path_prefix="/photos/")``."""
    found = func.search.search_images(
        *named(query=words, k=k, filters=literal(filters, JSONB))
    ).table_valued(column("rank"), column("score", Float), column("path", Text))  # fmt: skip
    rows = session.execute(select(found.c.score, found.c.path).order_by(found.c.rank))
    return [(row.score, row.path) for row in rows]


def search_in_own_statement(session: Session, words: str, k: int) -> list[tuple[float, str]]:
    """Text to images with pgvector's operator, in the one shape that is safe: ascending, a scalar query, a limit."""
    query = select(func.search.query_vector(words)).scalar_subquery()
    distance = ImageEmbedding.embedding.cosine_distance(query)
    statement = (
        select((1 - distance).label("score"), Photo.path)
        .join(Photo, Photo.image_id == ImageEmbedding.image_id)
        .order_by(distance)
        .limit(k)
    )
    return [(row.score, row.path) for row in session.execute(statement)]


def main() -> None:
    """Print what is found, both ways."""
    words = sys.argv[1] if len(sys.argv) > 1 else "a cat"
    with Session(create_engine("postgresql+psycopg://")) as session:
        for title, found in (
            ("search.search_images", search(session, words, 3, path_prefix="/")),
            ("your own statement", search_in_own_statement(session, words, 3)),
        ):
            print(title)
            for score, path in found:
                print(f"  {score:.3f}  {path}")


if __name__ == "__main__":
    main()
