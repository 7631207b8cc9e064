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
import random
import struct
import time

DISTINCT_VECTORS = 1000


def vectors(dimension: int) -> list[bytes]:
    """Return embeddings as JSON: random, of single precision, as a real service writes them."""
    draw = random.Random(1)  # noqa: S311 - vectors that mean nothing
    written = []
    for _ in range(DISTINCT_VECTORS):
        values = (struct.unpack("f", struct.pack("f", draw.gauss(0, 0.4)))[0] for _ in range(dimension))
        written.append(json.dumps(list(values), separators=(",", ":")).encode())
    return written


class StandIn:
    """The imagined GPU and what it has done."""

    def __init__(self, per_second: float, dimension: int) -> None:
        """Take how many items it embeds a second."""
        self.seconds_per_item = 1 / per_second
        self.vectors = vectors(dimension)
        self.free_at = 0.0
        self.reset()

    def reset(self) -> None:
        """Forget what has been done."""
        self.items = 0
        self.requests = 0
        self.busy = 0.0
        self.first = 0.0
        self.last = 0.0

    async def embed(self, body: bytes) -> bytes:
        """Answer when the GPU would be done."""
        arrived = time.perf_counter()
        # Base64 has no quotes, so counting is safe; parsing would cost more than all the rest.
        count = body.count(b'"blob":') + body.count(b'"text":')
        self.first = self.first or arrived
        work = count * self.seconds_per_item
        self.free_at = max(arrived, self.free_at) + work
        self.busy += work
        start = self.items
        self.items += count
        self.requests += 1
        await asyncio.sleep(self.free_at - time.perf_counter())
        picked = (self.vectors[(start + n) % DISTINCT_VECTORS] for n in range(count))
        data = b",".join(b'{"id":"%d","text":null,"embedding":%s}' % (n, vector) for n, vector in enumerate(picked))
        self.last = time.perf_counter()
        return b'{"header":{"status":null},"data":[' + data + b"]}"

    def stats(self) -> bytes:
        """Return what has been done, as JSON."""
        return json.dumps(
            {
                "items": self.items,
                "requests": self.requests,
                "busy_seconds": self.busy,
                "seconds": self.last - self.first,
            }
        ).encode()


async def converse(service: StandIn, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer the requests of one connection."""
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            line, _, rest = head.partition(b"\r\n")
            length = 0
            for header in rest.split(b"\r\n"):
                if header.lower().startswith(b"content-length:"):
                    length = int(header.split(b":")[1])
            body = await reader.readexactly(length)
            if line.startswith(b"POST /post"):
                answer = await service.embed(body)
            else:
                if line.startswith(b"POST /reset"):
                    service.reset()
                answer = service.stats()
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
    server = await asyncio.start_server(
        lambda reader, writer: converse(service, reader, writer), "127.0.0.1", port, limit=2**26
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A load-testing stand-in of clip-as-service (it embeds nothing).")
    parser.add_argument("--per-second", type=float, required=True, help="how many items it answers a second")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--dimension", type=int, default=512)
    given = parser.parse_args()
    asyncio.run(serve(StandIn(given.per_second, given.dimension), given.port))
