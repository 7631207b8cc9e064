"""A real service, started and stopped by the launcher as a person would."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from scripts.common.paths import CHECKOUT, state_home

Vector = list[float]


def starter_models() -> Path:
    """Return the folder of the starter model's files, built by whoever asks first and kept between runs."""
    home = state_home() / "starter"
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (home / "built").exists():
            launcher = Launcher(home, {})
            launcher.started("--model", "starter")
            launcher("stop")
            (home / "built").touch()
    return home / "models"


@dataclass
class Launcher:
    """The commands of scripts/clip_service on a state folder of their own."""

    home: Path
    extra: dict[str, str]

    @property
    def environment(self) -> dict[str, str]:
        # A hub that nothing answers for: no test waits for a network or depends on one.
        own = {
            "POLARLENS_HOME": str(self.home),
            "POLARLENS_PYTHON": sys.executable,
            "HF_ENDPOINT": "http://127.0.0.1:9",
        }
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "FASTEMBED_", "POLARLENS_"))}
        return kept | own | self.extra

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(CHECKOUT / "scripts" / "clip_service"), *arguments],
            env=self.environment,
            cwd="/",
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def started(self, *arguments: str) -> Service:
        done = self("start", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return Service(self("url").stdout.strip())


@dataclass
class Service:
    """A running service, by the address that clients post to."""

    url: str

    def get(self, path: str) -> requests.Response:
        return requests.get(self.url.removesuffix("/post") + path, timeout=30, allow_redirects=False)

    def post(self, *items: Any, **body: Any) -> requests.Response:
        return requests.post(self.url, json={"data": list(items), **body}, timeout=60)

    def post_raw(self, body: bytes, **headers: str) -> requests.Response:
        return requests.post(self.url, data=body, headers=headers, timeout=60)

    def vectors(self, *items: Any) -> list[Vector]:
        answer = self.post(*items).json()
        assert answer["header"]["status"] is None, answer["header"]
        return [document["embedding"] for document in answer["data"]]
