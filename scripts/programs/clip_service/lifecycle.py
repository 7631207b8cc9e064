"""Starting and finding a CLIP service's process."""

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.request
from typing import Any

from scripts.common.errors import UserError
from scripts.common.paths import CHECKOUT, state_home
from scripts.common.service import Service, free_port

# The starter model builds its network in some fifteen seconds; CLIP's weights may have to be downloaded.
START_SECONDS = 3600


def service(name: str = "") -> Service:
    """Return one of this checkout's services: the only one has no name, others beside it have one."""
    return Service("The CLIP service", state_home(), f"clip_service.{name}" if name else "clip_service")


def info(host: str, port: int) -> dict[str, Any] | None:
    """Return what the service at this address reports about itself, or None if it does not answer."""
    try:
        with urllib.request.urlopen(f"http://{_reachable(host)}:{port}/info", timeout=2) as response:
            answer: dict[str, Any] = json.load(response)
            return answer
    except (OSError, ValueError):
        return None


def running(clip: Service) -> dict[str, Any] | None:
    """Return the recorded state of a service and its own report, or None if it does not run."""
    state = clip.state()
    answer = info(state["host"], state["port"]) if clip.process() else None
    # Another program may have taken the port since.
    return {**state, **answer} if answer and answer.get("pid") == state["pid"] else None


def start(clip: Service, name: str, model: str, host: str, port: int | None) -> dict[str, Any]:
    """Start a service in the background and return what ``running`` does once it is ready.

    Raises:
        UserError: it does not get there; it is not left running then.
    """
    chosen = choose_port(clip, host, port)
    command = [sys.executable, "-P", "-m", "scripts.programs.clip_service", "run", f"--name={name}"]
    command += [f"--model={model}", f"--host={host}", f"--port={chosen}"]
    process = clip.start(command, {**os.environ, "PYTHONPATH": str(CHECKOUT)})

    def ready() -> dict[str, Any] | None:
        answer = info(host, chosen)
        if not answer or answer.get("pid") != process.pid:
            return None
        if answer["state"] == "failed":
            raise UserError(f"The CLIP service could not load its model: {answer['reason']}")
        return {**clip.state(), **answer} if answer["state"] == "ready" else None

    answer = clip.wait_until_ready(process, ready, START_SECONDS)
    assert answer is not None
    return answer


def choose_port(clip: Service, host: str, port: int | None) -> int:
    """Return the port to listen on: the given one, or that of the last run if it is free, or any free one."""
    return port or free_port(clip.state().get("port"), host)


def post_url(host: str, port: int) -> str:
    """Return the address that a client posts to."""
    return f"http://{_reachable(host)}:{port}/post"


def _reachable(host: str) -> str:
    if host in ("0.0.0.0", "::"):  # noqa: S104 - every address; reached from here over loopback
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host
