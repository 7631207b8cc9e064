"""A bound on how many threads do the same thing at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from .errors import CONNECTION_LOST, PolarAIError
from .interrupts import Operation

POLL_SECONDS = 0.1


class Slots:
    """At most ``limit`` holders at once. The limit may change while some wait; so may the mind of who waits."""

    def __init__(self, limit: int) -> None:
        """Start with all ``limit`` slots free."""
        self.limit = limit
        self._used = 0
        self._freed = threading.Condition()

    @contextmanager
    def held(self, operation: Operation) -> Iterator[None]:
        """Hold a slot inside the block; raise instead where ``operation`` is aborted before there is one."""
        with self._freed:
            while self._used >= self.limit and not operation.aborted.is_set():
                self._freed.wait(POLL_SECONDS)
            if operation.aborted.is_set():
                raise PolarAIError("given up before it began", sqlstate=CONNECTION_LOST, scope="batch")
            self._used += 1
        try:
            yield
        finally:
            with self._freed:
                self._used -= 1
                self._freed.notify()
