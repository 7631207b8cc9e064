"""Qdrant, embedded (qdrant-edge-py, the server's own engine): HNSW m 16, ef_construct 64, float16."""

from __future__ import annotations

import importlib.metadata
import time
from collections.abc import Callable
from typing import Any

import qdrant_edge as engine  # type: ignore[import-not-found]

from scripts.programs.bench.peers.measuring import K, arguments, report


def search() -> None:
    """Load, index and search."""
    vectors, queries, truth, recall, folder = arguments()
    graph = engine.HnswIndexConfig(m=16, ef_construct=64, full_scan_threshold=1000)
    space = engine.EdgeVectorParams(
        size=vectors.shape[1],
        distance=engine.Distance.Cosine,
        datatype=engine.VectorStorageDatatype.Float16,
        hnsw_config=graph,
    )
    config = engine.EdgeConfig(
        vectors={"": space},
        optimizers=engine.EdgeOptimizersConfig(indexing_threshold=1000, default_segment_number=1),
    )
    (folder / "qdrant").mkdir()
    shard = engine.EdgeShard.create(str(folder / "qdrant"), config)
    for start in range(0, len(vectors), 1000):
        points = [
            engine.Point(start + at, vector.tolist(), {}) for at, vector in enumerate(vectors[start : start + 1000])
        ]
        shard.update(engine.UpdateOperation.upsert_points(points))
    started = time.perf_counter()
    shard.optimize()
    built = time.perf_counter() - started

    def searcher(ef: int) -> Callable[[Any], list[int]]:
        def search(query: Any) -> list[int]:
            request = engine.SearchRequest(
                query=engine.Query.Nearest(query.tolist()), limit=K, params=engine.SearchParams(hnsw_ef=ef)
            )
            return [int(point.id) for point in shard.search(request)]

        return search

    searches = {f"hnsw_ef {ef}": searcher(ef) for ef in (32, 64, 100, 200, 400, 800)}
    version = importlib.metadata.version("qdrant-edge-py")
    report(searches, queries, truth, recall, build_seconds=round(built, 1), version=version)
