"""The gallery's searches: by words, by a photo of the collection, and by a photo that is not part of it."""

from __future__ import annotations

from psycopg import sql

from scripts.programs.gallery.database import Connection
from scripts.programs.gallery.results import Result, Search
from scripts.programs.gallery.upload import Photo

COLUMNS = sql.SQL("select rank, score, image_id, path from search.")
NOTHING_EMBEDDED = (
    "No photo is embedded yet: load some with scripts/load_photos FOLDER, then embed them with dbt run in dbt_project"
)


def by_words(connection: Connection, words: str, k: int) -> Search:
    """Find the photos that fit a text best."""
    # PostgreSQL's text can hold neither NUL nor half of a surrogate pair.
    words = words.replace("\0", " ").encode("utf-8", "replace").decode("utf-8")
    statement = COLUMNS + sql.SQL("search_images({}, k => {});").format(words, k)
    return run(connection, words, statement)


def by_key(connection: Connection, image_id: int, k: int) -> Search:
    """Find the photos nearest to one of the collection."""
    statement = COLUMNS + sql.SQL("search_images_like({}, k => {});").format(image_id, k)
    row = connection.execute("select path from search.photos where image_id = %s", [image_id]).fetchone()
    path = row["path"] if row else None
    return run(connection, f"like photo {image_id}", statement, query_image=path, query_key=image_id)


def by_photo(connection: Connection, photo: Photo, k: int) -> Search:
    """Find the photos nearest to one that is not part of the collection; its bytes are sent as a parameter."""
    call = sql.SQL("search_images_by_photo({}, k => {});")
    shown, sent = (COLUMNS + call.format(value, k) for value in ("data:image/jpeg;base64,…", sql.Placeholder()))
    return run(connection, f"like {photo.name}", shown, sent, [photo.data_url()], query_image=photo.path)


def run(
    connection: Connection,
    title: str,
    statement: sql.Composed,
    sent: sql.Composed | None = None,
    parameters: list[str] | None = None,
    query_image: str | None = None,
    query_key: int | None = None,
) -> Search:
    """Run one search; ``statement`` is what people read, ``sent`` what is sent where that differs."""
    rows = connection.execute(sent or statement, parameters).fetchall()
    return Search(
        title=title,
        sql=statement.as_string(connection),
        results=[Result(row["rank"], row["path"], row["score"], row["image_id"]) for row in rows],
        query_image=query_image,
        query_key=query_key,
        nothing="No photos found" if rows or count(connection) else NOTHING_EMBEDDED,
    )


def count(connection: Connection) -> int:
    """Return how many photos can be found."""
    row = connection.execute("select count(*) as n from search_internal.image_embeddings").fetchone()
    assert row is not None
    return int(row["n"])
