"""The searches of the gallery: by words, by a photo of the collection, and by one that nobody has seen before."""

from __future__ import annotations

from typing import Any

from psycopg import sql

from scripts.contact_sheet import Result, Search
from scripts.gallery_page.database import Connection
from scripts.gallery_page.upload import Photo

COLUMNS = sql.SQL("select rank, score, image_id, path from search.")
NOTHING_EMBEDDED = (
    "No photo is embedded yet: load some with scripts/load_photos FOLDER, then embed them with dbt run in dbt_project"
)


def by_words(connection: Connection, words: str, k: int) -> Search:
    """Find the photos that fit a text best."""
    # What PostgreSQL's text cannot hold: NUL, and half of a surrogate pair.
    words = words.replace("\0", " ").encode("utf-8", "replace").decode("utf-8")
    query = sql.SQL("search_images({}, k => {});").format(sql.Literal(words), sql.Literal(k))
    return run(connection, words, query)


def by_key(connection: Connection, image_id: int, k: int) -> Search:
    """Find the photos nearest to one of the collection."""
    query = sql.SQL("search_images_like({}, k => {});").format(sql.Literal(image_id), sql.Literal(k))
    row = connection.execute("select path from search.photos where image_id = %s", [image_id]).fetchone()
    path = row["path"] if row else None
    return run(connection, f"like photo {image_id}", query, query_image=path, query_key=image_id)


def by_photo(connection: Connection, photo: Photo, k: int) -> Search:
    """Find the photos nearest to one that is no part of the collection; its bytes go along as a parameter."""
    query = sql.SQL("search_images_by_photo({}, k => {});")
    shown = query.format(sql.Literal("data:image/jpeg;base64,…"), sql.Literal(k))
    asked = query.format(sql.Placeholder(), sql.Literal(k))
    return run(connection, f"like {photo.name}", shown, asked, [photo.uri()], photo.key)


def run(
    connection: Connection,
    title: str,
    shown: sql.Composed,
    asked: sql.Composed | None = None,
    parameters: list[Any] | None = None,
    query_image: str | None = None,
    query_key: int | None = None,
) -> Search:
    """Run one search; ``shown`` is the statement as people read it, ``asked`` as it is sent where that differs."""
    rows = connection.execute(COLUMNS + (asked or shown), parameters).fetchall()
    return Search(
        title=title,
        sql=(COLUMNS + shown).as_string(connection),
        results=[Result(row["rank"], row["path"], row["score"], row["image_id"]) for row in rows],
        query_image=query_image,
        query_key=query_key,
        nothing="No photos found" if rows or any_embedded(connection) else NOTHING_EMBEDDED,
    )


def any_embedded(connection: Connection) -> bool:
    """Tell whether there is anything to find."""
    return connection.execute("select from search.image_embeddings limit 1").fetchone() is not None


def count(connection: Connection) -> int:
    """Return how many photos can be found."""
    row = connection.execute("select count(*) as n from search.image_embeddings").fetchone()
    assert row is not None
    return int(row["n"])
