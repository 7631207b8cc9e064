"""Programs that run in the background: their port, lock, log and recorded state; how they start, are found and end."""

from __future__ import annotations

import contextlib
import json
import random
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import psutil
from filelock import FileLock

from scripts.common.errors import UserError, indented
from scripts.common.files import write_whole

# Below the ports that the kernel gives to outgoing connections, which could take a stopped service's port.
PORTS = range(20000, 30000)
STOP_SECONDS = 20
PROGRESS_SECONDS = 10

T = TypeVar("T")


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Tell whether a program could listen on that port now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError:
        return False
    return True


def free_port(remembered: int | None = None, host: str = "127.0.0.1") -> int:
    """Return the remembered port if it is still free, another free one otherwise.

    Raises:
        UserError: this machine cannot listen on ``host`` at all.
    """
    if remembered and is_free(remembered, host):
        return remembered
    if not is_free(0, host):
        raise UserError(f"Cannot listen on {host}: is it an address of this machine? Try 127.0.0.1.")
    # Random, so that services of several checkouts rarely meet.
    return next(port for port in iter(lambda: random.choice(PORTS), None) if is_free(port, host))  # noqa: S311


def wait_for(condition: Callable[[], T], seconds: float, interval: float = 0.1) -> T:
    """Return the condition's first true value, or the last false one after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not (value := condition()) and time.monotonic() < deadline:
        time.sleep(interval)
    return value


def is_alive(process: psutil.Process) -> bool:
    """Tell whether a process runs; one that has ended and that nobody has reaped does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def end(process: psutil.Process, seconds: float = STOP_SECONDS) -> bool:
    """Ask a process to stop, kill what is left of it and its children, and tell whether all have ended."""
    try:
        family = [process, *process.children(recursive=True)]
        process.terminate()
        if wait_for(lambda: not any(map(is_alive, family)), seconds):
            return True
    except psutil.NoSuchProcess:
        return True
    for one in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.kill()
    return wait_for(lambda: not any(map(is_alive, family)), seconds)


@dataclass(frozen=True)
class Service:
    """One background program. ``name`` begins the names of its files in ``folder``; ``title`` is for people."""

    title: str
    folder: Path
    name: str

    @property
    def state_file(self) -> Path:
        """The service's address and process, for other programs to read."""
        return self.folder / f"{self.name}.json"

    @property
    def log_file(self) -> Path:
        """The output of the service, appended to at every start."""
        return self.folder / f"{self.name}.log"

    def exclusively(self) -> FileLock:
        """Return the lock for commands that change something: one at a time."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return FileLock(self.folder / f"{self.name}.lock")

    def state(self) -> dict[str, Any]:
        """Return what was recorded last; empty if nothing readable was."""
        try:
            recorded = json.loads(self.state_file.read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return recorded if isinstance(recorded, dict) else {}

    def record(self, pid: int, **facts: Any) -> None:
        """Record the service's process and facts about it, for its owner only."""
        write_whole(self.state_file, json.dumps({"pid": pid, **facts}, indent=2) + "\n")

    def process(self) -> psutil.Process | None:
        """Return the recorded process if it is alive.

        Another process may have its number by now; that one began after the record was written.
        """
        pid = self.state().get("pid")
        try:
            process = psutil.Process(pid) if pid else None
            # The clock that start times are derived from may be corrected by a second or two.
            if process and process.create_time() < self.state_file.stat().st_mtime + 2 and is_alive(process):
                return process
        except (OSError, psutil.NoSuchProcess):
            pass
        return None

    def start(self, command: list[str], env: Mapping[str, str]) -> subprocess.Popen[bytes]:
        """Start a program that outlives this one; its output goes to the log."""
        with self.log_file.open("ab") as log:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=env,
                start_new_session=True,
            )

    def wait_until_ready(self, process: subprocess.Popen[bytes], ready: Callable[[], T], seconds: float) -> T:
        """Return the first true value of ``ready``; end the process if that does not come.

        Raises:
            UserError: the process ended or took longer than ``seconds``.
        """
        began = reported = time.monotonic()

        def look() -> T:
            nonlocal reported
            if process.poll() is not None:
                raise UserError(f"{self.title} ended while it was starting.\n{self.log_tail()}")
            if (now := time.monotonic()) > reported + PROGRESS_SECONDS:
                reported = now
                print(f"  still starting ({now - began:.0f} s; log: {self.log_file})", flush=True)
            return ready()

        try:
            if answer := wait_for(look, seconds):
                return answer
            raise UserError(f"{self.title} was not ready after {seconds:.0f} s.\n{self.log_tail()}")
        except BaseException:
            with contextlib.suppress(psutil.NoSuchProcess):
                end(psutil.Process(process.pid))
            process.wait()
            raise

    def stop(self) -> bool:
        """Stop the service; tell whether it ran.

        Raises:
            UserError: it does not stop.
        """
        process = self.process()
        if process is None:
            return False
        if not end(process):
            raise UserError(f"{self.title} (process {process.pid}) does not stop.")
        return True

    def log_tail(self) -> str:
        """Return the end of the log."""
        try:
            text = self.log_file.read_text("utf-8", errors="replace")
        except OSError:
            return ""
        return f"Its log ({self.log_file}) ends with:\n{indented(text, 15)}"
