"""Microsoft's own emulator of Azure's blob store, from the npm registry: it verifies every signature."""

from __future__ import annotations

import base64
import hmac
import os
import shutil
import subprocess
import urllib.request
from email.utils import formatdate
from pathlib import Path
from urllib.parse import quote

from scripts.common.paths import state_home

ACCOUNT = "photosaccount"
KEY = base64.b64encode(b"the tests' own key of Azure").decode()
CONTAINER = "photos"
VERSION = "3"
OPTIONS = ("--blobPort", "0", "--inMemoryPersistence", "--disableTelemetry", "--skipApiVersionCheck")


class Azurite:
    """A running emulator with an empty container."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            ["node", str(_program()), *OPTIONS],
            env={**os.environ, "AZURITE_ACCOUNTS": f"{ACCOUNT}:{KEY}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self._process.stdout is not None
        said = ""
        for line in self._process.stdout:
            said += line
            if "successfully listens on" in line:
                break
        else:
            raise AssertionError(f"azurite did not start: {said}")
        self.url = said.split()[-1] + f"/{ACCOUNT}"
        self._send(CONTAINER, "restype=container", {})

    def put(self, key: str, content: bytes) -> None:
        """Store one object."""
        self._send(f"{CONTAINER}/{quote(key)}", "", {"x-ms-blob-type": "BlockBlob"}, content)

    def close(self) -> None:
        """Stop."""
        self._process.terminate()
        self._process.wait(10)

    def _send(self, path: str, query: str, own: dict[str, str], body: bytes = b"") -> None:
        """PUT, signed with the key."""
        headers = {**own, "x-ms-date": formatdate(usegmt=True), "x-ms-version": "2021-08-06"}
        named = "\n".join(f"{name}:{value}" for name, value in sorted(headers.items()))
        resource = f"/{ACCOUNT}/{ACCOUNT}/{path}" + (f"\n{query.replace('=', ':')}" if query else "")
        kind = "application/octet-stream" if body else ""
        text = f"PUT\n\n\n{len(body) or ''}\n\n{kind}\n\n\n\n\n\n\n{named}\n{resource}"
        made = base64.b64encode(hmac.digest(base64.b64decode(KEY), text.encode(), "sha256")).decode()
        headers["Authorization"] = f"SharedKey {ACCOUNT}:{made}"
        if body:
            headers["Content-Type"] = kind
        request = urllib.request.Request(f"{self.url}/{path}?{query}", body or None, headers, method="PUT")
        urllib.request.urlopen(request).close()


def _program() -> Path:
    """Return the emulator's program, installed once for the checkout (190 MB)."""
    folder = state_home() / "programs" / "azurite"
    program = folder / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
    if not program.exists():
        npm = shutil.which("npm")
        assert npm, "the emulator of Azure needs node and npm"
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run([npm, "install", "--no-audit", "--no-fund", f"azurite@{VERSION}"], cwd=folder, check=True)
    return program
