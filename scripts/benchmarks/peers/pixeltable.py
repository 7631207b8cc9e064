"""pixeltable, with its own embedded PostgreSQL: an embedding index over a function that looks vectors up."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from typing import Any

from pixeltable_lookup import engine, looked_up  # type: ignore[import-not-found]

measuring = importlib.import_module("measuring")


def main() -> None:
    """Load, index and search."""
    vectors, queries, truth, recall, _ = measuring.arguments()
    table = engine.create_table("images", {"image_id": engine.Int, "name": engine.String})
    table.insert([{"image_id": at, "name": f"v {at}"} for at in range(len(vectors))])
    started = time.perf_counter()
    table.add_embedding_index("name", string_embed=looked_up, metric="cosine")
    built = time.perf_counter() - started
    positions = {query.tobytes(): at for at, query in enumerate(queries)}

    def search(query: Any) -> list[int]:
        similar = table.name.similarity(string=f"q {positions[query.tobytes()]}")
        found = table.order_by(similar, asc=False).limit(measuring.K).select(table.image_id).collect()
        return [int(key) for key in found["image_id"]]

    searches: list[tuple[str, Callable[[Any], list[int]]]] = [("its defaults", search)]
    measuring.report(searches, queries, truth, recall, build_seconds=round(built, 1), version=engine.__version__)


if __name__ == "__main__":
    main()
