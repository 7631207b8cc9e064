"""The ideal client: it posts ready-made batches from memory and parses no answer, so it shows the service's own pace.

    python -m scripts.programs.bench.ideal URL COUNT IN_FLIGHT PHOTO…

The photos are reduced as the refresh reduces them, before the clock starts. Prints items, seconds and their ratio.
"""

from __future__ import annotations

import base64
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from udfs.runtime.images import for_model

BATCH = 32


def bodies(photos: list[str]) -> list[bytes]:
    """Return request bodies of BATCH photos each."""
    blobs = [base64.b64encode(for_model(Path(p).read_bytes(), 224, p)).decode() for p in photos]
    batches = [blobs[at : at + BATCH] for at in range(0, len(blobs) - BATCH + 1, BATCH)]
    parameters = {"drop_image_content": True}
    return [json.dumps({"data": [{"blob": b} for b in batch], "parameters": parameters}).encode() for batch in batches]


def post_all(url: str, ready: list[bytes], requests: int, in_flight: int) -> float:
    """Post that many requests over as many connections; return the seconds it took."""
    parts = urlsplit(url)
    numbers = iter(range(requests))

    def client(_: int) -> None:
        connection = HTTPConnection(parts.netloc)
        for number in numbers:
            connection.request("POST", parts.path, ready[number % len(ready)], {"Content-Type": "application/json"})
            answer = connection.getresponse()
            assert answer.status == 200, answer.read()
            answer.read()

    began = time.perf_counter()
    with ThreadPoolExecutor(in_flight) as pool:
        list(pool.map(client, range(in_flight)))
    return time.perf_counter() - began


if __name__ == "__main__":
    url, count, in_flight = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    requests = max(1, count // BATCH)
    seconds = post_all(url, bodies(sys.argv[4:]), requests, in_flight)
    print(json.dumps({"items": requests * BATCH, "seconds": seconds, "per_second": requests * BATCH / seconds}))
