"""Objects in stores, through opendal: reading, listing, and URLs that are signed for a while.

S3 and OSS are read through signed URLs and this runtime's own HTTP: kept connections, an address check on the very
address that is connected to, cancelling, and a size limit. opendal signs them (60 microseconds, no exchange). Google's
and Azure's are read by opendal itself, as their identities do not always sign; so is every listing. There the addresses
of the endpoint's name are checked beforehand: a name server that changes its answer between the check and the
connection would get past it, to a listing or reading whose answer is shown to nobody unless it is a valid one.
"""

from __future__ import annotations

import asyncio
import base64
import functools
import re
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

from . import allow_list, http
from .errors import (
    BAD_ARGUMENT,
    BAD_RESPONSE,
    CONNECTION_LOST,
    INTERNAL,
    IO_ERROR,
    NOT_ALLOWED,
    NOT_FOUND,
    OVERLOADED,
    REFUSED,
    UNREACHABLE,
    PolarAIError,
    excerpt,
)
from .interrupts import Operation
from .locations import Location, check_below

T = TypeVar("T")

# How long a URL that is signed for one read holds: longer than any read may wait for its turn.
READ_SECONDS = 900
# Stores ask to be tried again as a matter of course; polar.ai.retry_times may ask for more.
RETRY_TIMES = 3
RETRY_SECONDS = 0.2
READ_BYTES = 2**20
SIGNED = ("s3", "oss")
# What a store's own error codes mean, for a person.
_CODES = {
    "NoSuchKey": (NOT_FOUND, "there is no such object"),
    "NoSuchBucket": (NOT_FOUND, "there is no such bucket"),
    "BlobNotFound": (NOT_FOUND, "there is no such object"),
    "ContainerNotFound": (NOT_FOUND, "there is no such container"),
    "InvalidAccessKeyId": (REFUSED, "the store does not know the access key id"),
    "SignatureDoesNotMatch": (REFUSED, "the secret is not that of the access key id"),
    "AuthenticationFailed": (REFUSED, "the store refused the credentials"),
    "AuthorizationFailure": (REFUSED, "the store refused the credentials"),
    "RequestTimeTooSkewed": (REFUSED, "this server's clock is wrong"),
    "ExpiredToken": (REFUSED, "the credentials have expired"),
    "SecurityTokenExpired": (REFUSED, "the credentials have expired"),
    "AccessDenied": (REFUSED, "the store denies access"),
    "PermanentRedirect": (BAD_ARGUMENT, "the bucket is in another region"),
    "AuthorizationHeaderMalformed": (BAD_ARGUMENT, "the bucket is in another region"),
    "SlowDown": (OVERLOADED, "the store asks to slow down"),
}
_HINTS = {
    REFUSED: "Look at the location's credentials: select * from polar_ai.ai_testlocation('name');",
    BAD_ARGUMENT: "Look at the location's endpoint and region: select * from polar_ai.ai_listlocations();",
}


class Call:
    """An opendal call under way, which another thread can end."""

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
        """Nothing is left to end."""
        with self._lock:
            self._ending = None


# An event loop for each worker thread: making one takes longer than signing a URL.
_here = threading.local()


def _loop() -> asyncio.Runner:
    if not hasattr(_here, "loop"):
        _here.loop = asyncio.Runner()
    runner: asyncio.Runner = _here.loop
    return runner


def awaited(make: Callable[[], Awaitable[T]], operation: Operation, description: str, timeout: float) -> T:
    """Run an opendal call to its end in this worker thread; raise CONNECTION_LOST where it takes longer."""
    call = Call(description, timeout)

    async def work() -> T:
        task = asyncio.current_task()
        assert task is not None
        call.begin(asyncio.get_running_loop(), task)
        return await make()

    operation.enter(call)
    try:
        return _loop().run(work())
    except asyncio.CancelledError:
        raise PolarAIError(
            f"{description}: no complete answer within {timeout:g} s",
            sqlstate=CONNECTION_LOST,
            hint="Raise polar.ai.http_timeout_msec, or look at the store.",
            stage="load",
            scope="batch",
        ) from None
    finally:
        call.end()
        operation.leave(call)


def read(
    location: Location, below: str, entries: Sequence[str], limits: http.Limits, operation: Operation, size_limit: int
) -> bytes | None:
    """Return the bytes of an object; None where it is larger than ``size_limit`` (0: no limit)."""
    check_below(location, below)
    description = f"loading {location.path(below)}"
    limits = patient(limits)
    if location.kind in SIGNED:
        url, headers = signed(location, below, READ_SECONDS, operation, limits)
        # Who writes an oss:// URL names an endpoint that no administrator has seen.
        own = [f"{urlsplit(url).scheme}://{urlsplit(url).netloc}"] if location.registered else []
        answer = http.fetch(url, headers, entries, limits, operation, size_limit, description, own)
        if answer.status != 200:
            raise status_error(answer, description)
        return None if answer.too_large else answer.content
    check_endpoint(location, entries, description)
    store = operator(location, limits)

    async def work() -> bytes:
        file = await store.open(below, "rb")
        parts, size = [], 0
        # A read gives what has arrived, and nothing only at the end. What is larger than the limit is not read on.
        while not (size_limit and size > size_limit) and (part := bytes(await file.read(READ_BYTES))):
            parts.append(part)
            size += len(part)
        return b"".join(parts)

    content = judged(lambda: awaited(work, operation, description, limits.timeout), description)
    return None if size_limit and len(content) > size_limit else content


def read_web(
    location: Location, below: str, entries: Sequence[str], limits: http.Limits, operation: Operation, size_limit: int
) -> bytes | None:
    """Return the bytes of a file of a web location; None where it is larger than ``size_limit``."""
    description = f"loading {location.path(below)}"
    headers = {"Authorization": location.secret} if location.secret else {}
    url = web_url(location, below)
    answer = http.fetch(url, headers, entries, patient(limits), operation, size_limit, description, own=[location.url])
    if answer.status != 200:
        raise status_error(answer, description)
    return None if answer.too_large else answer.content


def check_answers(location: Location, entries: Sequence[str], limits: http.Limits, operation: Operation) -> None:
    """Raise where a web location's server does not answer, or refuses the credentials; a 404 is an answer."""
    description = f"reaching the location {location.name}"
    headers = {"Authorization": location.secret} if location.secret else {}
    answer = http.fetch(location.url, headers, entries, limits, operation, 2**20, description, own=[location.url])
    if answer.status in (401, 407) or answer.status >= 500:
        raise http.status_error(answer, description, stage="load")


def web_url(location: Location, below: str) -> str:
    """Return the URL of a file of a web location."""
    check_below(location, below)
    return f"{location.url.rstrip('/')}/{quote(below)}"


def signed(
    location: Location, below: str, seconds: int, operation: Operation, limits: http.Limits
) -> tuple[str, dict[str, str]]:
    """Return a URL that reads one object for ``seconds``, and the headers that have to go with it."""
    check_below(location, below)
    description = f"signing {location.path(below)}"
    if location.kind == "gcs":
        # For Google, opendal signs names as they are given; so they are given as URLs have them.
        location = replace(location, url=f"gcs://{location.bucket}/{quote(quote(location.root))}")
        below = quote(below)
    store = operator(location, limits)
    made = judged(
        lambda: awaited(lambda: store.presign_read(below, seconds), operation, description, limits.timeout), description
    )
    return str(made.url), dict(made.headers)


def patient(limits: http.Limits) -> http.Limits:
    """Return ``limits`` with the tries and pauses that stores expect of their clients."""
    return replace(
        limits,
        retry_times=max(limits.retry_times, RETRY_TIMES),
        retry_interval=min(limits.retry_interval, RETRY_SECONDS),
        backoff=2.0,
    )


def check_endpoint(location: Location, entries: Sequence[str], description: str) -> None:
    """Raise where the name of the location's endpoint leads to where no location may reach."""
    reached = location.reached
    grant = allow_list.check_url(reached, entries, own=[reached])
    parts = urlsplit(reached)
    port = parts.port or allow_list.DEFAULT_PORTS[parts.scheme]
    hosts = {parts.hostname}
    if location.kind in SIGNED and not location.path_style:
        hosts.add(f"{location.bucket}.{parts.hostname}")
    for host in hosts:
        try:
            infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise PolarAIError(
                f"{description}: cannot connect to {allow_list.masked(reached)} ({error.strerror})",
                sqlstate=UNREACHABLE,
                hint="Does the location's endpoint name the right host?",
                stage="load",
                scope="batch",
            ) from None
        for info in infos:
            allow_list.check_address(str(info[4][0]), grant, reached)


@functools.lru_cache(maxsize=32)
def _operator(kind: str, options: tuple[tuple[str, str], ...], timeout: float) -> Any:
    opendal = library()
    store = opendal.AsyncOperator(kind, **dict(options))
    retry = opendal.layers.RetryLayer(
        max_times=RETRY_TIMES, factor=2.0, jitter=True, min_delay=RETRY_SECONDS, max_delay=5.0
    )
    return store.layer(opendal.layers.TimeoutLayer(timeout=timeout, io_timeout=timeout)).layer(retry)


def operator(location: Location, limits: http.Limits, listing: bool = False) -> Any:
    """Return opendal's operator for a location, kept for the session (a changed secret makes another one)."""
    settings = _settings(location)
    if listing and location.kind == "oss" and location.path_style:
        # For the bucket itself in the path, opendal signs /bucket, and OSS /bucket/.
        settings["bucket"] += "/"
    options = tuple(sorted(settings.items()))
    return judged(lambda: _operator(location.kind, options, limits.timeout), f"opening the location {location.name}")


def library() -> Any:
    """Return opendal, or say how to get it."""
    try:
        import opendal
        import opendal.layers
    except ImportError:
        raise PolarAIError(
            "this database server's Python has no opendal, which object stores need",
            sqlstate="58P01",
            hint="Install it for the Python that PL/Python uses: pip install opendal",
            stage="load",
            scope="batch",
        ) from None
    return opendal


def _settings(location: Location) -> dict[str, str]:
    """Return what opendal is told of a location: everything, so that nothing comes from the environment unasked."""
    kind, options = location.kind, location.options
    if kind == "file":
        return {"root": "/" + location.root}
    found = {"root": f"/{location.root}"}
    found["container" if kind == "azblob" else "bucket"] = location.bucket
    if location.endpoint:
        found["endpoint"] = location.endpoint
    secret = location.secret if location.credentials == "secret" else None
    if location.credentials == "none":
        found["skip_signature"] = "true"
    own = "false" if location.credentials == "instance" else "true"
    if kind == "s3":
        found |= {"region": options.get("region") or "us-east-1", "disable_config_load": own}
        found |= {"disable_ec2_metadata": own}
        if not location.path_style:
            found["enable_virtual_host_style"] = "true"
        if secret:
            found |= {"access_key_id": options["access_key_id"], "secret_access_key": secret}
    elif kind == "oss":
        style = "path" if location.path_style else "virtual"
        found |= {"addressing_style": style, "presign_addressing_style": style}
        if secret:
            found |= {"access_key_id": options["access_key_id"], "access_key_secret": secret}
    elif kind == "gcs":
        found |= {"disable_config_load": own, "disable_vm_metadata": own}
        # The library would ask for a token that may write.
        found["scope"] = "https://www.googleapis.com/auth/devstorage.read_only"
        if secret:
            found["credential"] = base64.b64encode(secret.encode()).decode()
    elif kind == "azblob":
        found["account_name"] = options["account"]
        if secret:
            found["sas_token" if "sig=" in secret else "account_key"] = secret.removeprefix("?")
    return found


def judged(work: Callable[[], T], description: str) -> T:
    """Do ``work`` with opendal; its errors hold the request, answers and places in memory, and are said anew."""
    try:
        return work()
    except PolarAIError:
        raise
    except Exception as error:
        raise _store_error(error, description) from None


def status_error(answer: http.Answer, description: str) -> PolarAIError:
    """Return what a store's refusal means; of its answer, only the code and the message of its XML are shown."""
    text = answer.content.decode("utf-8", "replace")
    code = _field(text, "Code")
    if code in _CODES:
        return _coded(code, text, f"{description}: HTTP status {answer.status}")
    return http.status_error(answer, description, stage="load")


def _coded(code: str, text: str, doing: str) -> PolarAIError:
    sqlstate, meaning = _CODES[code]
    message = _field(text, "Message")
    elsewhere = _field(text, "Endpoint") or _field(text, "Region")
    said = " ".join(part for part in (f"The store said: {code}.", message, elsewhere and f"({elsewhere})") if part)
    batch = sqlstate in (OVERLOADED, BAD_ARGUMENT) or (sqlstate == REFUSED and code != "AccessDenied")
    return PolarAIError(
        f"{doing} ({meaning})",
        sqlstate=sqlstate,
        detail=said,
        hint=_HINTS.get(sqlstate),
        stage="load",
        scope="batch" if batch else "item",
    )


def _field(text: str, name: str) -> str:
    """Return an element of a store's error: XML as it was sent, or as opendal prints it."""
    found = re.search(rf"<{name}>([^<]*)</{name}>", text) or re.search(rf'\b{name.lower()}: "([^"]*)"', text)
    # A signature that did not match comes back with what it should have been made of, but not in these elements.
    return excerpt(found[1]) if found else ""


def _store_error(error: Exception, description: str) -> PolarAIError:
    text = str(error)
    code = _field(text, "Code")
    status = re.search(r"\bstatus: (\d{3})\b", text)
    if code in _CODES:
        return _coded(code, text, description + (f": HTTP status {status[1]}" if status else ":"))
    # A file's reading wraps the library's error in an OSError, and its kind is in the text alone.
    named = re.match(r"(\w+) \((?:permanent|temporary|persistent)\)", text)
    kind = named[1] if named else type(error).__name__
    sqlstate, meaning = {
        "NotFound": (NOT_FOUND, "there is no such object, bucket or folder"),
        "PermissionDenied": (REFUSED, "the store denies access"),
        "RateLimited": (OVERLOADED, "the store asks to slow down"),
        "ConfigInvalid": (BAD_ARGUMENT, "the location's settings or credentials are malformed"),
        "Unsupported": (BAD_ARGUMENT, "the store cannot do that"),
        "IsADirectory": (BAD_ARGUMENT, "it is a folder"),
    }.get(kind, (IO_ERROR, "the store failed"))
    if "failed to load signing credential" in text or "loading credential" in text:
        sqlstate, meaning = REFUSED, "there are no credentials where they were looked for"
    elif "error sending request" in text or "timeout" in text.lower() or "timed out" in text.lower():
        connected = "(Connect)" not in text
        sqlstate = CONNECTION_LOST if connected else UNREACHABLE
        meaning = "no complete answer in time, or the connection broke" if connected else "the store cannot be reached"
    elif status and status[1].startswith("5"):
        sqlstate, meaning = (OVERLOADED if status[1] == "503" else BAD_RESPONSE), f"HTTP status {status[1]}"
    elif kind not in ("NotFound", "PermissionDenied") and "Error" in kind and not kind.startswith("Opendal"):
        sqlstate, meaning = INTERNAL, kind
    return PolarAIError(
        f"{description}: {meaning}",
        sqlstate=sqlstate,
        hint=_HINTS.get(sqlstate),
        stage="load",
        scope="item" if sqlstate in (NOT_FOUND, NOT_ALLOWED) else "batch",
    )
