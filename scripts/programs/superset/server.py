"""Superset's process: starting, finding and stopping it."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from scripts.programs.superset.home import ASSETS, BiError, home, secret

HOST = "127.0.0.1"
DASHBOARD = "/superset/dashboard/photo-search/"
START_SECONDS = 180
STOP_SECONDS = 20
POLL_SECONDS = 0.2
TAIL_LINES = 15
HERE = Path(__file__).parent


@contextlib.contextmanager
def exclusively() -> Iterator[None]:
    """Let one command at a time change something in this state folder."""
    with (home() / "command.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def url() -> str | None:
    """Return the dashboard's address if Superset runs, or None."""
    recorded = _recorded()
    return f"http://{HOST}:{recorded['port']}{DASHBOARD}" if recorded and _alive() else None


def log_file() -> Path:
    """Return where Superset's output goes."""
    return home() / "superset.log"


def is_prepared(address: str) -> bool:
    """Return whether the metadata and the configuration are what these files and this address ask for."""
    stamp = home() / "prepared"
    return stamp.exists() and stamp.read_text(encoding="utf-8") == _fingerprint(address)


def prepare(bin_folder: Path, address: str) -> None:
    """Bring the metadata up to date."""
    (home() / "prepared").unlink(missing_ok=True)
    secret("secret_key")
    given = {"address": address, "password": secret("admin_password"), "assets": str(ASSETS)}
    with log_file().open("ab") as log:
        done = subprocess.Popen(
            [str(bin_folder / "python"), "-P", str(HERE / "prepare.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            cwd="/",
            env=_env(),
        )
        assert done.stdin is not None and done.stdout is not None
        # Where it ended before it read, its log says why.
        with contextlib.suppress(BrokenPipeError), done.stdin:
            json.dump(given, done.stdin)
        for line in done.stdout:
            # Libraries print, too; ours are indented.
            if line.startswith("  "):
                print(line, end="", flush=True)
            else:
                log.write(line.encode())
    if done.wait() != 0:
        raise BiError(f"Superset's metadata could not be brought up to date.\n{_tail()}")
    (home() / "prepared").write_text(_fingerprint(address), encoding="utf-8")


def start(bin_folder: Path) -> str:
    """Start Superset, wait until it answers, and return the dashboard's address."""
    port = _free_port()
    lock = (home() / "server.lock").open("w")
    command = [str(bin_folder / "gunicorn"), "superset.app:create_app()", "--bind", f"{HOST}:{port}"]
    command += ["--worker-class", "gthread", "--workers", "1", "--threads", "8", "--timeout", "120"]
    with lock, log_file().open("ab") as log:
        _lock(lock)
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env=_env(),
            start_new_session=True,
            # As long as one of its processes lives, the file stays locked.
            pass_fds=[lock.fileno()],
        )
    (home() / "server.json").write_text(json.dumps({"pid": process.pid, "port": port}), encoding="utf-8")
    try:
        _wait_until_ready(process, port)
    except BaseException:
        stop()
        raise
    return f"http://{HOST}:{port}{DASHBOARD}"


def stop() -> bool:
    """Stop Superset if it runs; return whether it did."""
    recorded = _recorded()
    if recorded is None or not _alive():
        return False
    for kind in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(recorded["pid"], kind)
        deadline = time.monotonic() + STOP_SECONDS
        while time.monotonic() < deadline:
            if not _alive():
                return True
            time.sleep(POLL_SECONDS)
    raise BiError(f"Superset (process {recorded['pid']}) does not stop.")


def _recorded() -> dict[str, int] | None:
    try:
        found: dict[str, int] = json.loads((home() / "server.json").read_text(encoding="utf-8"))
        return found
    except (OSError, ValueError):
        return None


def _alive() -> bool:
    with (home() / "server.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def _lock(lock: IO[str]) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise BiError("Superset is running already, but nothing is known of it. Stop its processes by hand.") from None


def _env() -> dict[str, str]:
    # Whoever uses Superset is a search reader: the variables of whoever started it are none of its business.
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "PYTHON", "DBT_"))}
    return env | {
        "SUPERSET_HOME": str(home()),
        "SUPERSET_CONFIG_PATH": str(HERE / "superset_config.py"),
        "FLASK_APP": "superset.app:create_app()",
        "PYTHONUNBUFFERED": "1",
    }


def _fingerprint(address: str) -> str:
    digest = hashlib.sha256(address.encode())
    files = [
        HERE / "prepare.py",
        HERE / "superset_config.py",
        HERE / "requirements.txt",
        *sorted(ASSETS.rglob("*.yaml")),
    ]
    for file in files:
        digest.update(file.read_bytes())
    # Deleted secrets are made anew, and deleted metadata as well.
    for name in ("secret_key", "admin_password"):
        digest.update(secret(name).encode())
    return digest.hexdigest() if (home() / "superset.db").exists() else "no metadata yet"


def _free_port() -> int:
    recorded = _recorded()
    for candidate in (recorded["port"] if recorded else 0, 0):
        with contextlib.suppress(OSError), socket.create_server((HOST, candidate)) as listener:
            return int(listener.getsockname()[1])
    raise BiError(f"Cannot listen on {HOST}.")


def _wait_until_ready(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise BiError(f"Superset ended while it was starting.\n{_tail()}")
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://{HOST}:{port}/health", timeout=5) as answer:
            if answer.status == 200:
                return
        time.sleep(POLL_SECONDS)
    raise BiError(f"Superset did not answer within {START_SECONDS} s.\n{_tail()}")


def _tail() -> str:
    lines = log_file().read_text(encoding="utf-8", errors="replace").splitlines()[-TAIL_LINES:]
    return "\n".join([f"Its log ({log_file()}) ends with:", *(f"  {line}" for line in lines)])
