"""The ideal client: it posts ready-made batches from memory and parses no answer, so it shows the service's own pace.

    python -m scripts.programs.bench.ideal URL COUNT IN_FLIGHT PHOTO…

The photos are reduced as the refresh reduces them, before the clock starts. Prints items, seconds and their ratio.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import sys
import time
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


async def post_all(url: str, ready: list[bytes], requests: int, in_flight: int) -> float:
    """Post that many requests over as many connections; return the seconds it took."""
    parts = urlsplit(url)
    numbers = iter(range(requests))

    async def client() -> None:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=2**24)
        for number in numbers:
            body = ready[number % len(ready)]
            head = (
                f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\n\r\n"
            )
            writer.write(head.encode())
            writer.write(body)
            answer = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length: *(\d+)", answer)
            assert length and answer.startswith(b"HTTP/1.1 200"), answer
            await reader.readexactly(int(length[1]))
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(in_flight)))
    return time.perf_counter() - began


if __name__ == "__main__":
    url, count, in_flight = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    ready = bodies(sys.argv[4:])
    requests = max(1, count // BATCH)
    seconds = asyncio.run(post_all(url, ready, requests, in_flight))
    print(json.dumps({"items": requests * BATCH, "seconds": seconds, "per_second": requests * BATCH / seconds}))
