"""How fast photos come out of an S3-compatible server and are made ready, and what a long listing costs.

The server is the tests' own (moto, which is Python): figures say how requests in flight compare, and not what
a store can do.
"""

from __future__ import annotations

import asyncio
import io
import itertools
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from PIL import Image

from tests.support import s3_server
from tests.support.s3_server import S3Server
from udfs.runtime import http, images, listing, storage
from udfs.runtime.interrupts import Operation, run_many
from udfs.runtime.locations import Location

PHOTOS = 400
IN_FLIGHT = (1, 8, 32)


def photo() -> bytes:
    """Return a photograph's worth of JPEG: 1600 × 1200 pixels that do not compress to nothing."""
    out = io.BytesIO()
    Image.effect_noise((1600, 1200), 40).convert("RGB").save(out, "JPEG", quality=80)
    return out.getvalue()


def rate(work: Callable[[str], object], paths: list[str], in_flight: int) -> float:
    """Return how many of ``paths`` a second ``work`` deals with."""
    began = time.monotonic()
    works = [lambda path=path: work(path) for path in paths]
    for _ in run_many(works, Operation(), lambda: None, in_flight):
        pass
    return len(paths) / (time.monotonic() - began)


def loading() -> None:
    """Print photos a second: loaded with signed URLs, loaded by opendal, and loaded and made ready for a model."""
    server = S3Server()
    try:
        content = photo()
        paths = [f"{n:05}.jpg" for n in range(PHOTOS)]
        server.put({f"bench/{path}": content for path in paths})
        options = {"endpoint": server.url, "access_key_id": s3_server.ACCESS_KEY}
        place = Location("pics", f"s3://{s3_server.BUCKET}/bench", options, s3_server.SECRET_KEY)
        limits, operation = http.Limits(timeout=60), Operation()
        store = storage.operator(place, limits)

        def signed(path: str) -> bytes:
            found = storage.read(place, path, [], limits, operation, 2**30)
            assert found is not None
            return found

        def library(path: str) -> bytes:
            async def work() -> bytes:
                return bytes(await store.read(path))

            return asyncio.run(work())

        print(f"{PHOTOS} photos of {len(content) / 1024:.0f} KB; photos a second")
        print(f"{'in flight':>10} {'signed URL':>12} {'opendal':>10} {'and made ready':>15}")
        for in_flight in IN_FLIGHT:
            figures = [
                rate(signed, paths, in_flight),
                rate(library, paths, in_flight),
                rate(lambda path: images.for_model(signed(path), 224, path), paths, in_flight),
            ]
            print(f"{in_flight:>10} {figures[0]:>12.0f} {figures[1]:>10.0f} {figures[2]:>15.0f}", flush=True)
    finally:
        server.close()


def long_listing(keys: int) -> None:
    """Print how fast a listing of ``keys`` objects streams, and how much Python holds at the most."""

    class Pages(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            first = int(self.path.partition("continuation-token=")[2].partition("&")[0] or 0)
            rows = "".join(
                f"<Contents><Key>k/{n:09}.jpg</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified>"
                f'<ETag>"{n:032}"</ETag><Size>{n}</Size></Contents>'
                for n in range(first, min(first + 1000, keys))
            )
            more = first + 1000 < keys
            following = f"<NextContinuationToken>{first + 1000}</NextContinuationToken>" if more else ""
            body = (
                f"<ListBucketResult><IsTruncated>{str(more).lower()}</IsTruncated>{following}{rows}</ListBucketResult>"
            )
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    place = Location("pics", "s3://b", {"endpoint": f"http://127.0.0.1:{server.server_port}"})
    rows = listing.files(place, "", [], http.Limits(timeout=60), Operation(), lambda: None)
    first = list(itertools.islice(rows, 1000))
    tracemalloc.start()
    began = time.monotonic()
    count = len(first) + sum(1 for _ in rows)
    took = time.monotonic() - began
    held = tracemalloc.get_traced_memory()[1] / 2**20
    print(f"{count} keys listed in {took:.1f} s ({count / took:.0f} a second), {held:.1f} MB held at the most")
    server.shutdown()


if __name__ == "__main__":
    loading()
    long_listing(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000)
