"""Blocking work that a query cancel can end.

A PL/Python call that blocks in C ignores cancel and statement_timeout. So the blocking part runs in a
worker thread, and the backend's main thread polls for interrupts. Worker threads never touch plpy.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Protocol, TypeVar

from .errors import CONNECTION_LOST, PolarAIError

# How long a cancel may go unnoticed. One poll costs about 12 microseconds.
POLL_SECONDS = 0.05
# How long past its deadline a request may take to notice that it was broken off.
GRACE_SECONDS = 1.0
# Threads are started as needed up to this many, and kept for the session.
MAX_WORKERS = 64
SWITCH_SECONDS = 0.001

T = TypeVar("T")
Poll = Callable[[], None]


class Abortable(Protocol):
    """A request under way, which another thread can break off."""

    deadline: float  # on time.monotonic()'s clock
    description: str

    def abort(self) -> None:
        """Make the thread that is blocked in this request return at once."""


class Operation:
    """One piece of cancellable work, and the requests it has under way."""

    def __init__(self) -> None:
        """Start with nothing under way."""
        self.aborted = threading.Event()
        self._under_way: set[Abortable] = set()
        self._lock = threading.Lock()

    def enter(self, request: Abortable) -> None:
        """Remember ``request``, so that abort() and its deadline can end it."""
        with self._lock:
            self._under_way.add(request)
        if self.aborted.is_set():
            request.abort()

    def leave(self, request: Abortable) -> None:
        """Forget ``request``: it has ended."""
        with self._lock:
            self._under_way.discard(request)

    def abort(self) -> None:
        """End everything under way; nothing new gets far."""
        self.aborted.set()
        for request in self._snapshot():
            request.abort()

    def expire(self) -> None:
        """Break off what is past its deadline; raise where even that does not end it (a hung resolver)."""
        now = time.monotonic()
        for request in self._snapshot():
            if now > request.deadline:
                request.abort()
            if now > request.deadline + GRACE_SECONDS:
                raise PolarAIError(
                    f"{request.description} did not end in time", sqlstate=CONNECTION_LOST, scope="batch"
                )

    def sleep(self, seconds: float) -> None:
        """Wait in a worker thread, no longer than until abort()."""
        self.aborted.wait(seconds)

    def check(self) -> None:
        """Raise in a worker thread where the operation was ended."""
        if self.aborted.is_set():
            raise PolarAIError("the call was broken off", sqlstate=CONNECTION_LOST, scope="batch")

    def _snapshot(self) -> list[Abortable]:
        with self._lock:
            return list(self._under_way)


_pool: ThreadPoolExecutor | None = None


def _block_signals() -> None:
    # PostgreSQL's signal handlers belong to the main thread.
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())


def submit(work: Callable[[], T]) -> Future[T]:
    """Start ``work`` in a worker thread."""
    global _pool
    if _pool is None:
        # A thread that comes back from a system call waits so long for the interpreter, where another one computes.
        # Python's own 5 ms would be most of what loading and reducing a picture takes.
        sys.setswitchinterval(SWITCH_SECONDS)
        _pool = ThreadPoolExecutor(MAX_WORKERS, "polar_ai", initializer=_block_signals)
    # A new thread inherits the mask of the thread that starts it: no window in which it takes a signal.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        return _pool.submit(work)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def run(work: Callable[[], T], operation: Operation, poll: Poll) -> T:
    """Run ``work`` in a worker thread and return its result; ``poll`` raises on a cancel."""
    return next(iter(run_many([work], operation, poll, in_flight=1)))[1]


def run_many(
    works: Iterable[Callable[[], T]], operation: Operation, poll: Poll, in_flight: int
) -> Iterator[tuple[int, T]]:
    """Run ``works`` in worker threads, ``in_flight`` at a time; yield (position, result) as they finish.

    The first exception, or a cancel, aborts the rest and is raised.
    """
    queue = iter(enumerate(works))
    running: dict[Future[T], int] = {}
    try:
        while True:
            while len(running) < in_flight and (job := next(queue, None)) is not None:
                running[submit(job[1])] = job[0]
            if not running:
                return
            done, _ = wait(running, POLL_SECONDS, FIRST_COMPLETED)
            poll()
            operation.expire()
            for future in done:
                yield running.pop(future), future.result()
    finally:
        if running:
            operation.abort()
            for future in running:
                future.cancel()


class Slots:
    """A bound on how many threads do the same thing at once. The limit may change while some wait."""

    def __init__(self, limit: int) -> None:
        """Start with all ``limit`` slots free."""
        self.limit = limit
        self._used = 0
        self._freed = threading.Condition()

    @contextmanager
    def held(self, operation: Operation) -> Iterator[None]:
        """Hold a slot inside the block; raise if ``operation`` is aborted before there is one."""
        with self._freed:
            while self._used >= self.limit and not operation.aborted.is_set():
                self._freed.wait(POLL_SECONDS)
            operation.check()
            self._used += 1
        try:
            yield
        finally:
            with self._freed:
                self._used -= 1
                self._freed.notify()
