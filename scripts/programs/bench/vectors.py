"""Vectors like CLIP's: on a cone, in clusters of uneven size, and fast to load."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import sql

Vectors = NDArray[np.float32]
BINARY_COPY = b"PGCOPY\n\xff\r\n\0" + struct.pack("!ii", 0, 0)
END_OF_COPY = struct.pack("!h", -1)


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
    rows = vectors.astype(">f2" if half else ">f4")
    with connection.cursor().copy(sql.SQL("copy {} from stdin with (format binary)").format(table)) as copy:
        copy.write(BINARY_COPY)
        for chunk in _chunks(rows):
            copy.write(chunk)
        copy.write(END_OF_COPY)


def _chunks(rows: NDArray[Any]) -> Iterable[bytes]:
    fingerprint = b"benchmark"
    head = struct.pack("!hi", 4, 8)
    middle = struct.pack("!iq", 8, 1) + struct.pack("!i", len(fingerprint)) + fingerprint
    chunk = bytearray()
    for key, row in enumerate(rows, 1):
        values = row.tobytes()
        chunk += head + struct.pack("!q", key) + middle
        chunk += struct.pack("!ihh", 4 + len(values), len(row), 0) + values
        if len(chunk) > 1 << 20:
            yield bytes(chunk)
            chunk.clear()
    yield bytes(chunk)
