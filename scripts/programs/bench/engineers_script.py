"""What a good engineer would write in an afternoon: requests, a thread pool, COPY, a commit a batch.

    python -m scripts.programs.bench.engineers_script URL     with libpq's variables set

Reads polarlens.image_paths, writes bench_script. It has no retries, no record of errors, and one bad photo ends it.
"""

from __future__ import annotations

import base64
import io
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import requests
from PIL import Image

BATCH, THREADS = 32, 8
session = requests.Session()
session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=THREADS))


def blob(path: str) -> str:
    """Return one photo, reduced, in base64."""
    with Image.open(path) as image:
        image.draft("RGB", (224, 224))
        picture = image.convert("RGB")
        scale = 224 / min(picture.size)
        small = picture.resize((round(picture.width * scale), round(picture.height * scale)), Image.Resampling.BICUBIC)
        out = io.BytesIO()
        small.save(out, "JPEG", quality=95)
        return base64.b64encode(out.getvalue()).decode()


def embed(rows: list[tuple[int, str]]) -> list[tuple[int, list[float]]]:
    """Return the embeddings of one batch."""
    answer = session.post(
        sys.argv[1],
        json={"data": [{"blob": blob(path)} for _, path in rows], "parameters": {"drop_image_content": True}},
        timeout=300,
    )
    answer.raise_for_status()
    return [(key, item["embedding"]) for (key, _), item in zip(rows, answer.json()["data"], strict=True)]


with psycopg.connect() as connection, ThreadPoolExecutor(THREADS) as pool:
    connection.execute("drop table if exists bench_script")
    connection.execute("create table bench_script (image_id bigint primary key, embedding halfvec)")
    found = connection.execute("select image_id, path from polarlens.image_paths order by image_id").fetchall()
    began = time.perf_counter()
    for written in pool.map(embed, [found[at : at + BATCH] for at in range(0, len(found), BATCH)]):
        with connection.cursor() as cursor, cursor.copy("copy bench_script from stdin") as copy:
            for key, vector in written:
                copy.write_row((key, str(vector)))
        connection.commit()
    seconds = time.perf_counter() - began
print(json.dumps({"items": len(found), "seconds": seconds, "per_second": len(found) / seconds}))
