"""Batches of a refresh: while one is waited for and written, the next is under way.

PL/Python holds the interpreter's lock while PostgreSQL writes rows and commits, so worker threads stall. Sending the
next batch first keeps the model busy.
"""

from __future__ import annotations

import os
from concurrent.futures import FIRST_EXCEPTION, Future, wait
from typing import Any

from .embedding import Embedder, Inputs, Outcome
from .errors import PolarAIError
from .interrupts import POLL_SECONDS, Operation, Poll, Slots, submit


class Batch:
    """Inputs that are being embedded in worker threads; ``finish`` waits for them."""

    def __init__(self, embedder: Embedder, inputs: Inputs) -> None:
        """Begin at once."""
        self.model = embedder.model
        self.inputs = inputs
        self.operation = Operation()
        self._futures: list[Future[list[Outcome]]] = [submit(work) for work in embedder.works(inputs, self.operation)]

    def finish(self, poll: Poll) -> tuple[list[Outcome | None], PolarAIError | None]:
        """Return one outcome for each input, and the fault that broke the batch off, if any.

        Answers from before a fault are kept: they have been paid for. ``poll`` raises on a cancel.
        """
        fault: PolarAIError | None = None
        waiting: set[Future[Any]] = set(self._futures)
        try:
            while waiting and fault is None:
                done, waiting = wait(waiting, POLL_SECONDS, FIRST_EXCEPTION)
                poll()
                try:
                    self.operation.expire()
                    for future in done:
                        future.result()
                except PolarAIError as error:
                    fault = error
        except BaseException:
            self.abandon()
            raise
        if fault is not None:
            self.abandon()
        outcomes: list[Outcome | None] = []
        size = self.model.batch_size
        for position, future in enumerate(self._futures):
            answered = future.done() and not future.cancelled() and future.exception() is None
            unanswered: list[Outcome | None] = [None] * min(size, len(self.inputs) - position * size)
            outcomes += future.result() if answered else unanswered
        return outcomes, fault

    def abandon(self) -> None:
        """Break off what is under way."""
        self.operation.abort()
        for future in self._futures:
            future.cancel()


class Stream:
    """A session's batches: the one that it waits for, and the next one. Both share their slots."""

    def __init__(self) -> None:
        """Start with nothing under way."""
        self.requests = Slots(1)
        # Two more pictures are decoded at once than there are processors: some wait for the interpreter's lock.
        self.decodes = Slots((os.cpu_count() or 2) + 2)
        self._ahead: Batch | None = None

    def embed(
        self, embedder: Embedder, inputs: Inputs, ahead: Inputs | None, in_flight: int, poll: Poll
    ) -> tuple[list[Outcome | None], PolarAIError | None]:
        """Return what Batch.finish does, for ``inputs``; begin ``ahead``, which the next call will ask for.

        That is a hint: a call for something else, or for another model, drops what was begun.
        """
        self.requests.limit = max(1, in_flight)
        batch, self._ahead = self._ahead, None
        if batch is not None and (batch.model, batch.inputs) != (embedder.model, inputs):
            batch.abandon()
            batch = None
        batch = batch or Batch(embedder, inputs)
        try:
            self._ahead = Batch(embedder, ahead) if ahead else None
            outcomes, fault = batch.finish(poll)
        except BaseException:
            batch.abandon()
            self._abandon_ahead()
            raise
        if fault is not None:
            self._abandon_ahead()
        return outcomes, fault

    def _abandon_ahead(self) -> None:
        if self._ahead is not None:
            self._ahead.abandon()
            self._ahead = None
