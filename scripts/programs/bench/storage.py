"""How fast photos come out of an S3-compatible server and are made ready, and what a long listing costs.

The server is the tests' own (moto, which is Python, on the same machine): photos a second say how requests in flight
compare, and not what a store can do. The processor time is that of the loading side alone.
"""

from __future__ import annotations

import argparse
import io
import itertools
import threading
import time
import tracemalloc
from collections.abc import Callable
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from PIL import Image

from tests.support import s3_server
from tests.support.s3_server import S3Server
from udfs.runtime import images
from udfs.runtime.http import AllowList, Limits
from udfs.runtime.interrupts import Operation, run_many
from udfs.runtime.sources import Location, Reach, list_files, load, store

IN_FLIGHT = (1, 8, 32)


def photo() -> bytes:
    """Return a photograph's worth of JPEG: 1600 × 1200 pixels that do not compress to nothing."""
    out = io.BytesIO()
    Image.effect_noise((1600, 1200), 40).convert("RGB").save(out, "JPEG", quality=80)
    return out.getvalue()


def loading(count: int) -> list[dict[str, float | int | str]]:
    """Load with signed URLs, load by opendal alone, and load and make ready for a model."""
    server = S3Server()
    try:
        content = photo()
        paths = [f"{n:05}.jpg" for n in range(count)]
        server.put({f"bench/{path}": content for path in paths})
        options = {"endpoint": server.url, "access_key_id": s3_server.ACCESS_KEY}
        place = Location("pics", f"s3://{s3_server.BUCKET}/bench", options, s3_server.SECRET_KEY)
        reach, operation = Reach(AllowList(), Limits(timeout=60), {"pics": place}), Operation()
        operator = store.operator(place, 60)

        def signed(path: str) -> bytes:
            content = load(f"pics:{path}", reach, operation, 2**30)
            assert content is not None
            return content

        def library(path: str) -> bytes:
            async def work() -> bytes:
                return bytes(await operator.read(path))

            return store.call(work, operation, path, 60)

        def ready(path: str) -> bytes:
            return images.for_model(signed(path), 224, path)

        ways = {"signed URL": signed, "opendal alone": library, "and made ready": ready}
        print(f"{count} photos of {len(content) / 1024:.0f} KB: a second (milliseconds of processor for each)")
        print(f"{'in flight':>10} " + " ".join(f"{name:>16}" for name in ways))
        figures: list[dict[str, float | int | str]] = []
        for in_flight in IN_FLIGHT:
            cells = []
            for name, work in ways.items():
                rate, cpu_ms = measure(work, paths, in_flight)
                figures.append(
                    {
                        "in_flight": in_flight,
                        "how": name,
                        "photos_a_second": round(rate, 1),
                        "processor_ms": round(cpu_ms, 3),
                    }
                )
                cells.append(f"{f'{rate:.0f} ({cpu_ms:.2f})':>16}")
            print(f"{in_flight:>10} {' '.join(cells)}", flush=True)
        return figures
    finally:
        server.close()


def measure(work: Callable[[str], object], paths: list[str], in_flight: int) -> tuple[float, float]:
    """Return how many of ``paths`` a second ``work`` deals with, and the milliseconds of processor for each."""
    began, cpu_began = time.monotonic(), time.process_time()
    for _ in run_many([partial(work, path) for path in paths], Operation(), lambda: None, in_flight):
        pass
    return len(paths) / (time.monotonic() - began), (time.process_time() - cpu_began) / len(paths) * 1000


class Pages(BaseHTTPRequestHandler):
    """An S3 bucket of as many objects as the server says, none of which exists."""

    protocol_version = "HTTP/1.1"
    keys = 0

    def do_GET(self) -> None:
        """Answer with a page of the listing."""
        first = int(self.path.partition("continuation-token=")[2].partition("&")[0] or 0)
        rows = "".join(
            f"<Contents><Key>k/{n:09}.jpg</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified>"
            f'<ETag>"{n:032}"</ETag><Size>{n}</Size></Contents>'
            for n in range(first, min(first + 1000, self.keys))
        )
        more = first + 1000 < self.keys
        following = f"<NextContinuationToken>{first + 1000}</NextContinuationToken>" if more else ""
        body = f"<ListBucketResult><IsTruncated>{str(more).lower()}</IsTruncated>{following}{rows}</ListBucketResult>"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


def long_listing(keys: int) -> dict[str, float | int]:
    """List ``keys`` objects, and watch how much Python holds at the most."""
    Pages.keys = keys
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    place = Location("pics", "s3://b", {"endpoint": f"http://127.0.0.1:{server.server_port}"})
    reach = Reach(AllowList(), Limits(timeout=60), {})
    rows = list_files(place, "", reach, Operation(), lambda: None)
    first = list(itertools.islice(rows, 1000))
    tracemalloc.start()
    began = time.monotonic()
    count = len(first) + sum(1 for _ in rows)
    took = time.monotonic() - began
    held = tracemalloc.get_traced_memory()[1] / 2**20
    print(f"{count} keys listed in {took:.1f} s ({count / took:.0f} a second), {held:.1f} MB held at the most")
    server.shutdown()
    return {"keys": count, "seconds": round(took, 2), "held_mb": round(held, 1)}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line."""
    parser.add_argument("--photos", type=int, default=400, help="how many are loaded each time")
    parser.add_argument("--keys", type=int, default=200_000, help="how many are listed")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Measure loading and listing."""
    return {"loading": loading(options.photos), "listing": long_listing(options.keys)}
