"""Model services to measure with; each context manager yields the URL that clients post to."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from scripts.common.paths import CHECKOUT
from scripts.programs.bench.vectors import Vectors


@contextlib.contextmanager
def stand_in(per_second: float, dimension: int) -> Iterator[str]:
    """Run the stand-in for a GPU that embeds ``per_second`` items a second, as a program of its own."""
    with subprocess.Popen(
        [
            *(sys.executable, "-P", "-m", "scripts.programs.bench.stand_in"),
            *("--per-second", str(per_second), "--dimension", str(dimension)),
        ],
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}/post"
        finally:
            process.terminate()


@contextlib.contextmanager
def local_model(name: str) -> Iterator[str]:
    """Run the local CLIP service; leave it running if it ran before."""
    program = str(CHECKOUT / "scripts" / "clip_service")
    ran = subprocess.run([program, "status"], capture_output=True, check=False).returncode == 0
    subprocess.run([program, "start", "--model", name], check=True, stdout=sys.stderr)
    try:
        yield subprocess.run([program, "url"], capture_output=True, text=True, check=True).stdout.strip()
    finally:
        if not ran:
            subprocess.run([program, "stop"], check=True, stdout=sys.stderr)


@contextlib.contextmanager
def text_model(vectors: Vectors) -> Iterator[str]:
    """Serve clip-as-service's contract from a thread, at no cost of its own: the text "17 …" has the 17th vector."""
    embeddings = [json.dumps(vector.tolist()) for vector in vectors]

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Otherwise the end of an answer waits until its beginning is acknowledged.
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            numbers = (int(item["text"].split()[0]) % len(embeddings) for item in request["data"])
            data = ",".join(f'{{"embedding":{embeddings[number]}}}' for number in numbers)
            body = f'{{"header":{{"status":null}},"data":[{data}]}}'.encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/post"
    finally:
        server.shutdown()
