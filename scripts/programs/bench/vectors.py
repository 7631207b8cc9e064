"""Vectors like CLIP's: on a cone, in clusters of uneven size, and fast to load."""

from __future__ import annotations

from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray
from pgvector import HalfVector, Vector
from psycopg import sql
from psycopg.types.numeric import Int8

Vectors = NDArray[np.float32]


def clustered(count: int, dimension: int = 512, clusters: int = 1000, seed: int = 7) -> Vectors:
    """Return ``count`` unit vectors: a common direction, a cluster's own, and noise; the same for the same seed.

    Directions are drawn from a decaying spectrum, so that the intrinsic dimension is far below ``dimension``,
    as it is for the embeddings of photos.
    """
    random = np.random.default_rng(seed)
    spectrum = np.arange(1, dimension + 1, dtype=np.float32) ** -0.5
    basis = np.linalg.qr(random.standard_normal((dimension, dimension)))[0].astype(np.float32)

    def directions(number: int) -> Vectors:
        drawn = random.standard_normal((number, dimension), dtype=np.float32) * spectrum
        return unit(drawn)

    common = directions(1)
    centres = directions(clusters)
    sizes = random.pareto(1.5, clusters) + 0.1
    cluster = random.choice(clusters, count, p=sizes / sizes.sum())
    made = np.empty((count, dimension), dtype=np.float32)
    for start in range(0, count, 100_000):
        part = slice(start, start + 100_000)
        mixed = 0.8 * common + 0.8 * centres[cluster[part]] + 0.6 * directions(len(cluster[part]))
        made[part] = mixed @ basis
    return unit(made)


def unit(vectors: Vectors) -> Vectors:
    """Return the vectors scaled to length 1."""
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def nearest(vectors: Vectors, queries: Vectors, k: int) -> NDArray[np.int64]:
    """Return the positions of the ``k`` vectors most similar to each query, exactly."""
    found = np.empty((len(queries), k), dtype=np.int64)
    for row, query in enumerate(queries):
        scores = vectors @ query
        best = np.argpartition(-scores, k - 1)[:k]
        found[row] = best[np.argsort(-scores[best], kind="stable")]
    return found


def as_literal(vector: Vectors) -> str:
    """Return pgvector's text form."""
    return "[" + ",".join(f"{value:.7g}" for value in vector.tolist()) + "]"


def load_embeddings(
    connection: psycopg.Connection[Any], table: sql.Composable, vectors: Vectors, half: bool = True
) -> None:
    """Copy ``vectors`` into an embedding table (key, version, fingerprint, embedding), keys from 1."""
    kind = HalfVector if half else Vector
    with connection.cursor().copy(sql.SQL("copy {} from stdin with (format binary)").format(table)) as copy:
        for key, vector in enumerate(vectors, 1):
            copy.write_row((Int8(key), Int8(1), "benchmark", kind(vector).to_binary()))
