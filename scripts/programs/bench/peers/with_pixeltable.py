"""pixeltable, with its own embedded PostgreSQL: an embedding index over photos, and one over ready-made vectors.

pixeltable takes embedding functions of modules only, not of scripts; it reads PIXELTABLE_HOME when it is imported.
"""

# mypy: ignore-errors
import base64
import io
import json
import os
import sys
import time
from pathlib import Path

import numpy as np
import requests

FOLDER, ARGUMENT = Path(sys.argv[1]), sys.argv[2]
os.environ["PIXELTABLE_HOME"] = str(FOLDER / "pixeltable")
import PIL.Image  # noqa: E402
import pixeltable as pxt  # noqa: E402
from pixeltable.func import Batch  # noqa: E402

from scripts.programs.bench.peers.measuring import K, arguments, report  # noqa: E402

SESSION = requests.Session()
if ARGUMENT.startswith("http"):
    STORED = {}
    # The stand-in does not say its dimension.
    DIMENSION = SESSION.get(ARGUMENT.replace("/post", "/info"), timeout=10).json().get("dimension", 512)
else:
    STORED = {name: np.load(FOLDER / f"{name}.npy", mmap_mode="r") for name in ("vectors", "queries")}
    DIMENSION = STORED["vectors"].shape[1]
Vector = pxt.Array[(DIMENSION,), pxt.Float]


def blob(image: PIL.Image.Image) -> str:
    """Return one photo, reduced, in base64."""
    picture = image.convert("RGB")
    picture.thumbnail((336, 336))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=95)
    return base64.b64encode(out.getvalue()).decode()


@pxt.udf(batch_size=32)
def embedding(images: Batch[PIL.Image.Image]) -> Batch[Vector]:
    """Embed a batch with the service."""
    body = {"data": [{"blob": blob(image)} for image in images], "parameters": {"drop_image_content": True}}
    answer = SESSION.post(ARGUMENT, json=body, timeout=300)
    answer.raise_for_status()
    return [np.array(item["embedding"], dtype=np.float32) for item in answer.json()["data"]]


@pxt.udf
def stored(name: str) -> Vector:
    """Return the vector that is called ``vectors 17`` or ``queries 17``."""
    kind, _, position = name.partition(" ")
    return np.array(STORED[kind][int(position)], dtype=np.float32)


def refresh() -> None:
    """Insert the photos that FOLDER/paths.json names into an indexed table; print how long it took."""
    paths = json.loads((FOLDER / "paths.json").read_text())
    table = pxt.create_table("bench", {"image": pxt.Image})
    table.add_embedding_index("image", embedding=embedding)
    began = time.perf_counter()
    table.insert([{"image": path} for path in paths])
    seconds = time.perf_counter() - began
    print(json.dumps({"items": len(paths), "seconds": seconds, "per_second": len(paths) / seconds}))


def search() -> None:
    """Load, index and search the vectors."""
    vectors, queries, truth, recall, _ = arguments()
    table = pxt.create_table("images", {"image_id": pxt.Int, "name": pxt.String})
    table.insert([{"image_id": at, "name": f"vectors {at}"} for at in range(len(vectors))])
    started = time.perf_counter()
    table.add_embedding_index("name", string_embed=stored, metric="cosine")
    built = time.perf_counter() - started
    positions = {query.tobytes(): at for at, query in enumerate(queries)}

    def nearest(query) -> list[int]:
        similar = table.name.similarity(string=f"queries {positions[query.tobytes()]}")
        found = table.order_by(similar, asc=False).limit(K).select(table.image_id).collect()
        return [int(key) for key in found["image_id"]]

    report({"its defaults": nearest}, queries, truth, recall, build_seconds=round(built, 1), version=pxt.__version__)
