"""Collections large enough for an index to matter, and the exact answers to compare with."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
from PIL import Image
from psycopg import sql

from scripts.programs import demo_photos
from scripts.programs.bench import vectors as made_up
from scripts.programs.bench.search_data import BUILD_INDEX
from scripts.programs.bench.vectors import Vectors
from scripts.programs.clip_service import classes
from scripts.programs.clip_service.figures import CAPTIONS_FILE
from scripts.programs.clip_service.sentences import SentenceEncoder
from scripts.programs.clip_service.starter import StarterEncoder
from tests.support.database import Database, new_database

QUERIES = 200
DAY = "timestamptz '2026-01-01'"


@dataclass
class Collection:
    """A database with many vectors, and the same vectors here."""

    database: Database
    name: str
    storage: str
    vectors: Vectors
    queries: Vectors
    # Of long lists and with filters; that of ten results has a bar of its own.
    least_recall: float = 0.9

    def search(self, connection: psycopg.Connection[Any], query: Vectors, **arguments: Any) -> list[int]:
        """Return the keys that search_images_by_vector finds, in order, which is ascending by distance."""
        named = "".join(f", {name} => %({name})s" for name in arguments)
        rows = connection.execute(
            f"select rank, image_id, score from search.search_images_by_vector(%(query)s{named})".encode(),
            {"query": made_up.as_literal(query), **arguments},
        ).fetchall()
        assert [row[0] for row in rows] == list(range(1, len(rows) + 1))
        assert all(a[2] >= b[2] for a, b in itertools.pairwise(rows))
        return [row[1] for row in rows]

    def truth(self, query: Vectors, k: int, among: list[int] | None = None) -> list[int]:
        """Return the keys of the k most similar, of all or ``among`` these keys."""
        keys = np.arange(1, len(self.vectors) + 1) if among is None else np.array(among, dtype=np.int64)
        some = self.vectors if among is None else self.vectors[keys - 1]
        found = made_up.nearest(some, query[None, :], min(k, len(some)))[0] if len(some) else []
        return [int(keys[at]) for at in found]

    def first(self, share: float) -> tuple[str, list[int]]:
        """Return a filter that this share of the photos passes, the first in time, and their keys."""
        matching = max(1, int(len(self.vectors) * share))
        before = self.database.value(f"select ({DAY} + %s * interval '1 minute')::text", matching + 1)
        return json.dumps({"taken_before": before}), list(range(1, matching + 1))


def clustered(count: int) -> tuple[Vectors, Vectors]:
    """Return made-up vectors, and queries of the same kind."""
    return split(made_up.clustered(count + QUERIES, clusters=max(50, count // 100)))


def captions(count: int) -> tuple[Vectors, Vectors]:
    """Return what the starter model makes of captions about the things and scenes it knows, as CLIP would be asked."""
    places = ["in the snow", "at night", "on a table", "beside a road", "in a garden", "under water", "in the sun"]
    draw = np.random.default_rng(7)
    texts = {
        f"{classes.phrasings(int(one))[0]} and {classes.phrasings(int(other))[0]} {draw.choice(places)}"
        for one, other in draw.integers(0, classes.CLASSES, (count * 2, 2))
    }
    wanted = count + QUERIES
    return split(made_up.unit(SentenceEncoder().encode(sorted(texts)[:: max(1, len(texts) // wanted)][:wanted])))


def photos(count: int, folder: Path) -> tuple[Vectors, Vectors]:
    """Return what the starter model makes of details of real photos; queries are captions, and more details."""
    encoder = StarterEncoder(folder / "models")
    draw = random.Random(7)
    originals = [Image.open(path).convert("RGB") for path in demo_photos.fetch(folder / "photos")]
    texts = [caption for some in json.loads(CAPTIONS_FILE.read_text("utf-8")).values() for caption in some]
    details = count + QUERIES - len(texts)
    made = [
        encoder.encode_images([detail(draw.choice(originals), encoder.image_size, draw) for _ in range(start, end)])
        for start, end in itertools.pairwise([*range(0, details, 64), details])
    ]
    found = np.concatenate(made)
    return found[:count], np.concatenate([encoder.encode_texts(texts), found[count:]])


def detail(photo: Image.Image, size: int, draw: random.Random) -> Image.Image:
    """Return a square of a photo."""
    side = draw.uniform(0.1, 0.5) * min(photo.size)
    left, top = draw.uniform(0, photo.width - side), draw.uniform(0, photo.height - side)
    return photo.resize((size, size), Image.Resampling.BILINEAR, (left, top, left + side, top + side))


def split(everything: Vectors) -> tuple[Vectors, Vectors]:
    """Return all but QUERIES of the vectors, in no order, and the others."""
    everything = everything[np.random.default_rng(7).permutation(len(everything))]
    return everything[:-QUERIES], everything[-QUERIES:]


@contextmanager
def collection_of(
    vectors: Vectors, queries: Vectors, storage: str, kind: str, source: Database, server: dict[str, str]
) -> Iterator[Collection]:
    """Give a copy of a database that dbt built, with these vectors for its embeddings."""
    # A database is copied while nobody is in it.
    source.connection.close()
    with new_database(server, source.env["PGDATABASE"]) as database:
        source.connection = source.connect()
        if storage == "vector":
            rewrite_functions(database)
        fill(database, vectors, storage)
        name = f"{len(vectors):,} {kind} as {storage}"
        # Details of some twenty photos lie in as many tight clusters, larger than the list of candidates, and a text
        # far from them all: the hardest for a graph. Collections of as many photos as vectors are not like that.
        yield Collection(database, name, storage, vectors, queries, 0.3 if kind == "photos" else 0.9)


def fill(database: Database, vectors: Vectors, storage: str) -> None:
    """Replace what dbt embedded by these vectors, the photo n taken n minutes into the year."""
    count, dimension = vectors.shape
    database.run("drop index search_internal.image_embeddings__hnsw")
    database.run("truncate search_internal.image_embeddings; truncate polarlens.image_paths restart identity")
    database.run(
        f"""
        alter table search_internal.image_embeddings
        alter column embedding type {storage}({dimension}) using null::{storage}
        """
    )
    database.run(
        f"""
        insert into polarlens.image_paths (path, taken_at, title)
        select '/photos/' || n || '.jpg', {DAY} + n * interval '1 minute', 'photo ' || n
        from generate_series(1, {count}) as n
        """
    )
    table = sql.SQL("search_internal.image_embeddings")
    made_up.load_embeddings(database.connection, table, vectors, half=storage == "halfvec")
    database.run("set maintenance_work_mem = '1GB'")
    database.run(BUILD_INDEX.replace("halfvec", storage))
    database.run("analyze search_internal.image_embeddings")
    database.run("analyze polarlens.image_paths")


def rewrite_functions(database: Database) -> None:
    """Have the search functions take vector, as dbt builds them where storage is vector."""
    for signature, definition in database.rows(
        """
        select oid::regprocedure::text, pg_get_functiondef(oid) from pg_proc
        where pronamespace = 'search'::regnamespace and proname ~ 'by_vector|like'
        """
    ):
        if "search_images" in signature:
            database.run(f"drop function {signature} cascade")
            database.connection.execute(definition.replace("halfvec", "vector").encode())
