"""LanceDB, embedded, with the index its users build for such data: IVF_HNSW_SQ, cosine."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import lancedb as engine  # type: ignore[import-not-found]
import pyarrow  # type: ignore[import-not-found]

from scripts.programs.bench.peers.measuring import K, arguments, report


def search() -> None:
    """Load, index and search."""
    vectors, queries, truth, recall, folder = arguments()
    database = engine.connect(str(folder / "lancedb"))
    values = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(vectors.reshape(-1)), vectors.shape[1])
    rows = pyarrow.table({"image_id": pyarrow.array(range(len(vectors))), "vector": values})
    table = database.create_table("images", rows, mode="overwrite")
    started = time.perf_counter()
    table.create_index(metric="cosine", index_type="IVF_HNSW_SQ", vector_column_name="vector")
    table.wait_for_index(["vector_idx"])
    built = time.perf_counter() - started

    def searcher(probes: int, ef: int, refine: int) -> Callable[[Any], list[int]]:
        def search(query: Any) -> list[int]:
            found = table.search(query).distance_type("cosine").nprobes(probes).ef(ef)
            found = found.refine_factor(refine).select(["image_id"]).limit(K)
            return [int(key) for key in found.to_arrow()["image_id"].to_pylist()]

        return search

    settings = [(20, 50, 1), (20, 100, 2), (20, 200, 4), (50, 400, 10), (200, 800, 20)]
    searches = {f"nprobes {p}, ef {e}, refine {r}": searcher(p, e, r) for p, e, r in settings}
    report(searches, queries, truth, recall, build_seconds=round(built, 1), version=engine.__version__)
