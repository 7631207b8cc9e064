"""Starting, finding and stopping a service's process."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scripts.common.paths import CHECKOUT
from scripts.programs.clip_service.state import Place, State

POLL_SECONDS = 0.1
STOP_SECONDS = 10
# The starter model builds its network in some fifteen seconds; CLIP's weights may have to be downloaded.
START_SECONDS = 3600
PROGRESS_SECONDS = 10
LOG_TAIL_LINES = 15


class LifecycleError(Exception):
    """A command could not do its work; the message is for people."""


def info(host: str, port: int) -> dict[str, Any] | None:
    """Return what the service at this address says of itself, or None if it does not answer."""
    try:
        with urllib.request.urlopen(f"http://{_bracketed(host)}:{port}/info", timeout=2) as response:
            answer: dict[str, Any] = json.load(response)
            return answer
    except (OSError, ValueError):
        return None


def running(place: Place) -> tuple[State, dict[str, Any]] | None:
    """Return the recorded state and the service's own account, if the recorded service is alive."""
    recorded = place.read()
    if recorded is None or recorded.pid is None:
        return None
    answer = info(recorded.host, recorded.port)
    # Another program may have taken the port since.
    return (recorded, answer) if answer and answer.get("pid") == recorded.pid else None


@contextlib.contextmanager
def exclusively(place: Place) -> Iterator[None]:
    """Let one start or stop of this service at a time into the state folder."""
    place.lock_file.parent.mkdir(parents=True, exist_ok=True)
    with place.lock_file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def start(place: Place, model: str, host: str, port: int | None) -> dict[str, Any]:
    """Start the service in the background and return its /info once it is ready.

    Raises LifecycleError if it does not get there; it is not left running then.
    """
    port = port or free_port(place, host)
    command = [sys.executable, "-P", "-m", "scripts.programs.clip_service", "run", *place.option.split()]
    with place.log_file.open("ab") as output:
        process = subprocess.Popen(
            [*command, "--model", model, "--host", host, "--port", str(port)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
            start_new_session=True,
        )
    try:
        return _wait_until_ready(place, process, host, port)
    except BaseException:
        process.kill()
        process.wait()
        raise


def _wait_until_ready(place: Place, process: subprocess.Popen[bytes], host: str, port: int) -> dict[str, Any]:
    began = time.monotonic()
    next_report = began + PROGRESS_SECONDS
    while (now := time.monotonic()) < began + START_SECONDS:
        if process.poll() is not None:
            raise LifecycleError(f"The CLIP service ended while it was starting.\n{_log_tail(place)}")
        answer = info(host, port)
        if answer and answer.get("pid") == process.pid:
            if answer["state"] == "ready":
                return answer
            if answer["state"] == "failed":
                raise LifecycleError(f"The CLIP service could not load its model: {answer['reason']}")
        if now > next_report:
            print(f"  still loading ({now - began:.0f} s; log: {place.log_file})", flush=True)
            next_report = now + PROGRESS_SECONDS
        time.sleep(POLL_SECONDS)
    raise LifecycleError(f"The CLIP service was not ready after {START_SECONDS} s.\n{_log_tail(place)}")


def stop(place: Place) -> bool:
    """Stop the recorded service if it is alive; return whether there was one."""
    found = running(place)
    if found is None:
        return False
    pid = found[1]["pid"]
    os.kill(pid, signal.SIGTERM)
    if not _gone_within(STOP_SECONDS, pid):
        os.kill(pid, signal.SIGKILL)
        _gone_within(STOP_SECONDS, pid)
    return True


def _gone_within(seconds: float, pid: int) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not _alive(pid):
            return True
        time.sleep(POLL_SECONDS / 4)
    return False


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        # A container's init may leave an ended process unreaped for long; only Linux tells this way.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except ProcessLookupError:
        return False
    except OSError:
        return True


def free_port(place: Place, host: str) -> int:
    """Return the port of the last run if it is still free, or else any free one."""
    recorded = place.read()
    for candidate in (recorded.port if recorded else 0, 0):
        with contextlib.suppress(OSError), _listener(host, candidate) as listener:
            return int(listener.getsockname()[1])
    raise LifecycleError(f"Cannot listen on {host}: is it an address of this machine? Try --host 127.0.0.1.")


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family)


def post_url(host: str, port: int) -> str:
    """Return the address that a client posts to."""
    return f"http://{_bracketed(host)}:{port}/post"


def _bracketed(host: str) -> str:
    if host in ("0.0.0.0", "::"):  # noqa: S104  every address; reached from here over loopback
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _log_tail(place: Place) -> str:
    try:
        lines = place.log_file.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:]
    except OSError:
        return ""
    return "\n".join([f"Its log ({place.log_file}) ends with:", *(f"  {line}" for line in lines)])
