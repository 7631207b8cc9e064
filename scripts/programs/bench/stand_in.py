"""A load-testing stand-in of clip-as-service: it looks at no picture and answers as fast as it is told to.

It stands for a GPU of a set speed where none is at hand: requests wait in one line, and each is answered
when such a GPU would be done with it. Every answer says that it comes from a stand-in (header X-Stand-In),
and the vectors mean nothing. It is a program of its own, so that it shares nothing with what is measured.

    python -m scripts.programs.bench.stand_in --per-second 1000 [--port N] [--dimension 512]

GET /stats answers how many items were embedded, when the first request came and the last answer went, and how
long the imagined GPU was busy in between; POST /reset forgets them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import time
from dataclasses import asdict, dataclass
from functools import partial

import numpy as np

DISTINCT_VECTORS = 1000


@dataclass
class Work:
    """What has been done; ``seconds`` passed from the first request to the last answer."""

    items: int = 0
    requests: int = 0
    busy_seconds: float = 0.0
    seconds: float = 0.0


class StandIn:
    """The imagined GPU, which embeds so many items a second."""

    def __init__(self, per_second: float, dimension: int) -> None:
        self.seconds_per_item = 1 / per_second
        random = np.random.default_rng(1).normal(0, 0.4, (DISTINCT_VECTORS, dimension)).astype(np.float32)
        # Of single precision, as a real service writes them.
        self.vectors = [json.dumps(vector, separators=(",", ":")).encode() for vector in random.tolist()]
        self.free_at = 0.0
        self.reset()

    def reset(self) -> None:
        """Forget what has been done."""
        self.work = Work()
        self.first = 0.0

    async def embed(self, body: bytes) -> bytes:
        """Answer when the GPU would be done."""
        arrived = time.perf_counter()
        # Base64 has no quotes, so counting is safe; parsing would cost more than all the rest.
        count = body.count(b'"blob":') + body.count(b'"text":')
        busy = count * self.seconds_per_item
        self.first = self.first or arrived
        self.free_at = max(arrived, self.free_at) + busy
        start, work = self.work.items, self.work
        work.items += count
        work.requests += 1
        work.busy_seconds += busy
        await asyncio.sleep(self.free_at - time.perf_counter())
        picked = (self.vectors[(start + n) % DISTINCT_VECTORS] for n in range(count))
        data = b",".join(b'{"id":"%d","text":null,"embedding":%s}' % (n, vector) for n, vector in enumerate(picked))
        work.seconds = time.perf_counter() - self.first
        return b'{"header":{"status":null},"data":[' + data + b"]}"


async def converse(service: StandIn, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer the requests of one connection."""
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = re.search(rb"(?i)content-length: *(\d+)", head)
            body = await reader.readexactly(int(length[1]) if length else 0)
            if head.startswith(b"POST /post"):
                answer = await service.embed(body)
            else:
                if head.startswith(b"POST /reset"):
                    service.reset()
                answer = json.dumps(asdict(service.work)).encode()
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Stand-In: yes\r\nContent-Length: %d\r\n\r\n"
                % len(answer)
            )
            writer.write(answer)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def serve(service: StandIn, port: int) -> None:
    """Serve on loopback until stopped; print the port."""
    server = await asyncio.start_server(partial(converse, service), "127.0.0.1", port, limit=2**26)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A load-testing stand-in of clip-as-service (it embeds nothing).")
    parser.add_argument("--per-second", type=float, required=True, help="how many items it answers a second")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--dimension", type=int, default=512)
    options = parser.parse_args()
    asyncio.run(serve(StandIn(options.per_second, options.dimension), options.port))
