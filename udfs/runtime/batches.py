"""Batches of a refresh: while one is waited for and written, the next is under way already.

PL/Python holds the interpreter while PostgreSQL writes rows and commits, so threads stand still then. What was
sent before goes on at the service: so the model never waits for the database.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, wait
from functools import partial
from typing import Any

from .embedding import Embedder, Outcome
from .errors import PolarAIError
from .interrupts import POLL_SECONDS, Operation, Poll, submit
from .model import Model
from .slots import Slots, here

Inputs = Sequence[str | bytes | None]


# Older work goes first where threads wait for the same thing.
_numbers = itertools.count()


class Batch:
    """Inputs that are being embedded in worker threads; ``finish`` waits for them."""

    def __init__(self, embedder: Embedder, inputs: Inputs, operation: Operation) -> None:
        """Begin at once. ``operation`` is what the embedder's calls belong to."""
        self.model = embedder.model
        self.inputs = inputs
        self.operation = operation
        self._size = embedder.model.batch_size
        self._futures: list[Future[list[Outcome]]] = [
            submit(partial(_numbered, next(_numbers), work)) for work in embedder.requests(inputs)
        ]

    def is_of(self, model: Model, inputs: Inputs) -> bool:
        """Tell whether these are the inputs, and the model is still what it was."""
        return self.model == model and self.inputs == inputs

    def finish(self, poll: Poll) -> tuple[list[Outcome | None], PolarAIError | None]:
        """Return one outcome for each input, and the fault that broke the batch off, if any.

        What was answered before a fault is kept: it has been paid for. ``poll`` raises on a cancel.
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
        for position, future in enumerate(self._futures):
            answered = future.done() and not future.cancelled() and future.exception() is None
            size = min(self._size, len(self.inputs) - position * self._size)
            unanswered: list[Outcome | None] = [None] * size
            outcomes += future.result() if answered else unanswered
        return outcomes, fault

    def abandon(self) -> None:
        """Break off what is under way."""
        self.operation.abort()
        for future in self._futures:
            future.cancel()


class Stream:
    """What a session has under way: the batch that it waits for, and the next one."""

    def __init__(self) -> None:
        """Start with nothing under way."""
        self._ahead: Batch | None = None
        self._requests = Slots(1)
        # Two more pictures are decoded at once than there are processors, for some wait for the interpreter's lock.
        self._decodes = Slots((os.cpu_count() or 2) + 2)

    def embed(
        self,
        embedder: Callable[[Operation], Embedder],
        model: Model,
        inputs: Inputs,
        ahead: Inputs | None,
        in_flight: int,
        poll: Poll,
    ) -> tuple[list[Outcome | None], PolarAIError | None]:
        """Return what Batch.finish does, for ``inputs``; begin ``ahead``, which the next call will ask for.

        That is a hint: a call for something else, or for another model, drops what was begun.
        """
        self._requests.limit = max(1, in_flight)
        batch, self._ahead = self._ahead, None
        if batch is not None and not batch.is_of(model, inputs):
            batch.abandon()
            batch = None
        batch = batch or self._begun(embedder, inputs)
        try:
            self._ahead = self._begun(embedder, ahead) if ahead else None
            outcomes, fault = batch.finish(poll)
        except BaseException:
            batch.abandon()
            self._abandon()
            raise
        if fault is not None:
            self._abandon()
        return outcomes, fault

    def _begun(self, embedder: Callable[[Operation], Embedder], inputs: Inputs) -> Batch:
        operation = Operation()
        made = embedder(operation)
        send, reduce = made.post, made.reduce

        def post(body: bytes) -> bytes:
            with self._requests.held(operation):
                return send(body)

        def reduced(content: bytes, size: int, name: str, fit: str) -> bytes:
            with self._decodes.held(operation):
                return reduce(content, size, name, fit)

        made.post, made.reduce = post, reduced
        return Batch(made, inputs, operation)

    def _abandon(self) -> None:
        if self._ahead is not None:
            self._ahead.abandon()
            self._ahead = None


def _numbered(number: int, work: Callable[[], list[Outcome]]) -> list[Outcome]:
    here.number = number
    return work()
