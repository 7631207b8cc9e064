"""A bound on how many threads do the same thing at once, the oldest work first."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from .errors import CONNECTION_LOST, PolarAIError
from .interrupts import Operation

POLL_SECONDS = 0.2

# The number of the work that this thread is on: set by whoever starts it.
here = threading.local()


class Slots:
    """At most ``limit`` holders at once. Of those who wait, the one with the lowest number comes first.

    The limit may change while some wait.
    """

    def __init__(self, limit: int) -> None:
        """Start with all ``limit`` slots free."""
        self.limit = limit
        self._used = 0
        self._tickets = 0
        self._waiting: list[tuple[int, int, threading.Event]] = []
        self._lock = threading.Lock()

    @contextmanager
    def held(self, operation: Operation) -> Iterator[None]:
        """Hold a slot inside the block; raise instead where ``operation`` is aborted before there is one."""
        mine = threading.Event()
        with self._lock:
            self._tickets += 1
            heapq.heappush(self._waiting, (getattr(here, "number", 0), self._tickets, mine))
            self._let_in()
        try:
            while not mine.wait(POLL_SECONDS) and not operation.aborted.is_set():
                pass
            if operation.aborted.is_set():
                raise PolarAIError("given up before it began", sqlstate=CONNECTION_LOST, scope="batch")
            yield
        finally:
            with self._lock:
                if mine.is_set():
                    self._used -= 1
                else:
                    self._waiting = [entry for entry in self._waiting if entry[2] is not mine]
                    heapq.heapify(self._waiting)
                self._let_in()

    def _let_in(self) -> None:
        while self._waiting and self._used < self.limit:
            self._used += 1
            heapq.heappop(self._waiting)[2].set()
