"""Object stores through opendal: a location's operator, and calls of it that a cancel can end.

opendal makes its own connections. The addresses of an endpoint's name are therefore checked beforehand. DNS rebinding
remains possible; a response is shown only if it parses as a valid listing or object.
"""

from __future__ import annotations

import base64
import functools
import socket
import threading
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from ..errors import CONNECTION_LOST, NOT_FOUND, UNREACHABLE, PolarAIError
from ..http.allow_list import DEFAULT_PORTS, AllowList, check_address
from ..interrupts import Operation
from ..paths import masked
from .locations import SIGNED, Location
from .store_errors import translate_errors

if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")

# Stores ask to be tried again as a matter of course.
RETRY_TIMES = 3
RETRY_SECONDS = 0.2


class StoreCall:
    """An opendal call under way, which another thread can break off."""

    def __init__(self, description: str, timeout: float) -> None:
        """Start the clock of ``timeout`` seconds."""
        self.description = description
        self.deadline = time.monotonic() + timeout
        self._ending: tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]] | None = None
        self._aborted = False
        self._lock = threading.Lock()

    def begin(self, loop: asyncio.AbstractEventLoop, task: asyncio.Task[Any]) -> None:
        """Note what abort() has to end."""
        with self._lock:
            self._ending = loop, task
            if self._aborted:
                task.cancel()

    def abort(self) -> None:
        """End the call; its connection is closed with it."""
        with self._lock:
            self._aborted = True
            if self._ending and not self._ending[0].is_closed():
                self._ending[0].call_soon_threadsafe(self._ending[1].cancel)

    def end(self) -> None:
        """Note that nothing is left to end."""
        with self._lock:
            self._ending = None


# The event loop of this worker thread, as the attribute ``runner``: making one takes longer than signing a URL.
_worker_loop = threading.local()


def call(make: Callable[[], Awaitable[T]], operation: Operation, description: str, timeout: float) -> T:
    """Run opendal's coroutine to its end in this worker thread; raise CONNECTION_LOST if it takes longer."""
    # Not at the top: it is much of what a new session imports, and only stores need it.
    import asyncio

    under_way = StoreCall(description, timeout)

    async def work() -> T:
        task = asyncio.current_task()
        assert task is not None
        under_way.begin(asyncio.get_running_loop(), task)
        return await make()

    if not hasattr(_worker_loop, "runner"):
        _worker_loop.runner = asyncio.Runner()
    runner: asyncio.Runner = _worker_loop.runner
    operation.enter(under_way)
    try:
        return translate_errors(lambda: runner.run(work()), description)
    except asyncio.CancelledError:
        raise PolarAIError(
            f"{description}: no complete answer within {timeout:g} s",
            sqlstate=CONNECTION_LOST,
            hint="Raise polar.ai.http_timeout_msec, or look at the store.",
            stage="load",
            scope="batch",
        ) from None
    finally:
        under_way.end()
        operation.leave(under_way)


def check_endpoint(location: Location, allow_list: AllowList, description: str) -> None:
    """Raise if the name of the location's endpoint leads to an address that no location may reach."""
    endpoint = location.reached
    grant = allow_list.naming(endpoint).grant(endpoint)
    parts = urlsplit(endpoint)
    port = parts.port or DEFAULT_PORTS[parts.scheme]
    hosts = {parts.hostname}
    if location.kind in SIGNED and not location.path_style:
        hosts.add(f"{location.bucket}.{parts.hostname}")
    for host in hosts:
        try:
            infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise PolarAIError(
                f"{description}: cannot connect to {masked(endpoint)} ({error.strerror})",
                sqlstate=UNREACHABLE,
                hint="Does the location's endpoint name the right host?",
                stage="load",
                scope="batch",
            ) from None
        for info in infos:
            check_address(str(info[4][0]), grant, endpoint)


@functools.lru_cache(maxsize=32)
def _operator(kind: str, options: tuple[tuple[str, str], ...], timeout: float) -> Any:
    opendal = _library()
    store = opendal.AsyncOperator(kind, **dict(options))
    retry = opendal.layers.RetryLayer(
        max_times=RETRY_TIMES, factor=2.0, jitter=True, min_delay=RETRY_SECONDS, max_delay=5.0
    )
    return store.layer(opendal.layers.TimeoutLayer(timeout=timeout, io_timeout=timeout)).layer(retry)


def operator(location: Location, timeout: float, listing: bool = False) -> Any:
    """Return opendal's operator for a location, kept for the session (a changed secret makes another one)."""
    settings = _settings(location)
    if listing and location.kind == "oss" and location.path_style:
        # For the bucket itself in the path, opendal signs /bucket, and OSS /bucket/.
        settings["bucket"] += "/"
    options = tuple(sorted(settings.items()))
    return translate_errors(lambda: _operator(location.kind, options, timeout), f"opening the location {location.name}")


def _library() -> Any:
    """Return opendal, or say how to get it."""
    try:
        import opendal
        import opendal.layers
    except ImportError:
        raise PolarAIError(
            "this database server's Python has no opendal, which object stores need",
            sqlstate=NOT_FOUND,
            hint="Install it for the Python that PL/Python uses: pip install opendal",
            stage="load",
            scope="batch",
        ) from None
    return opendal


def _settings(location: Location) -> dict[str, str]:
    """Return opendal's settings for a location: all of them, so that none comes from the environment unasked."""
    kind, options = location.kind, location.options
    settings = {"root": f"/{location.root}"}
    settings["container" if kind == "azblob" else "bucket"] = location.bucket
    if location.endpoint:
        settings["endpoint"] = location.endpoint
    secret = location.secret if location.credentials == "secret" else None
    if location.credentials == "none":
        settings["skip_signature"] = "true"
    own = "false" if location.credentials == "instance" else "true"
    if kind == "s3":
        settings |= {"region": options.get("region") or "us-east-1", "disable_config_load": own}
        settings |= {"disable_ec2_metadata": own}
        if not location.path_style:
            settings["enable_virtual_host_style"] = "true"
        if secret:
            settings |= {"access_key_id": options["access_key_id"], "secret_access_key": secret}
    elif kind == "oss":
        style = "path" if location.path_style else "virtual"
        settings |= {"addressing_style": style, "presign_addressing_style": style}
        if secret:
            settings |= {"access_key_id": options["access_key_id"], "access_key_secret": secret}
    elif kind == "gcs":
        settings |= {"disable_config_load": own, "disable_vm_metadata": own}
        # The library would ask for a token that may write.
        settings["scope"] = "https://www.googleapis.com/auth/devstorage.read_only"
        if secret:
            settings["credential"] = base64.b64encode(secret.encode()).decode()
    elif kind == "azblob":
        settings["account_name"] = options["account"]
        if secret:
            settings["sas_token" if "sig=" in secret else "account_key"] = secret.removeprefix("?")
    return settings
