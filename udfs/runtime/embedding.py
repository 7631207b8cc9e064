"""Embedding a list of inputs with a model of a known provider: loaded, asked and checked in threads.

Each input ends as its embedding or as its own PolarAIError; a fault of the whole batch (service down,
wrong token, wrong dimension) is raised instead.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol

from . import images, vectors
from .errors import BAD_ARGUMENT, BAD_RESPONSE, PolarAIError
from .interrupts import Operation, Poll, run_many
from .locations import masked
from .model import Model

# An embedding, or why there is none.
Outcome = list[float] | vectors.Literal | PolarAIError
# A longer text is a mistake, not a caption or a document chunk.
MAX_TEXT_CHARACTERS = 1_000_000


class Provider(Protocol):
    """The wire contract of one kind of model service."""

    NAME: str

    def request(self, model: Model, items: Sequence[str | bytes]) -> dict[str, Any]:
        """Return the request body for ``items``."""

    def embeddings(self, model: Model, response: Any, count: int) -> list[Any]:
        """Return ``count`` unchecked embeddings."""


class Embedder:
    """Embeds inputs with one model. ``load`` fetches a path's bytes, ``post`` sends one request body."""

    def __init__(
        self,
        model: Model,
        provider: Provider,
        load: Callable[[str], bytes],
        post: Callable[[bytes], bytes],
        reduce: Callable[[bytes, int, str, str], bytes] = images.for_model,
    ) -> None:
        """Take the model, its provider's adapter, the two ways to reach the outside, and what images go through."""
        self.model = model
        self.provider = provider
        self.load = load
        self.post = post
        self.reduce = reduce

    def embed(
        self, inputs: Sequence[str | bytes | None], operation: Operation, poll: Poll, in_flight: int
    ) -> list[Outcome]:
        """Return one outcome for each input, in order, with ``in_flight`` requests under way at once."""
        works = self.requests(inputs)
        outcomes: list[list[Outcome]] = [[] for _ in works]
        for position, outcome in run_many(works, operation, poll, in_flight):
            outcomes[position] = outcome
        return [item for batch in outcomes for item in batch]

    def requests(self, inputs: Sequence[str | bytes | None]) -> list[Callable[[], list[Outcome]]]:
        """Return the work on ``inputs``, one request's worth each."""
        size = self.model.batch_size
        return [partial(self._batch, inputs[at : at + size]) for at in range(0, len(inputs), size)]

    def _batch(self, inputs: Sequence[str | bytes | None]) -> list[Outcome]:
        outcomes: list[Outcome | None] = []
        ready: list[str | bytes] = []
        for value in inputs:
            try:
                ready.append(self.prepared(value))
                outcomes.append(None)
            except PolarAIError as error:
                if error.scope == "batch" and error.stage != "load":
                    raise
                outcomes.append(error)
        answers = iter(self._asked(ready))
        return [next(answers) if outcome is None else outcome for outcome in outcomes]

    def prepared(self, value: str | bytes | None) -> str | bytes:
        """Return what goes on the wire for one input: the text, or the image loaded and reduced."""
        if value is None or not value:
            raise PolarAIError("the input is NULL or empty", sqlstate=BAD_ARGUMENT, stage="load")
        if self.model.input == "image":
            name = masked(value) if isinstance(value, str) else "the image"
            content = self.load(value) if isinstance(value, str) else value
            size = self.model.image_size
            return self.reduce(content, size, name, self.model.image_fit) if size else content
        if isinstance(value, bytes):
            raise PolarAIError("a text model cannot embed bytes", sqlstate=BAD_ARGUMENT, stage="load")
        if not value.strip():
            raise PolarAIError("the text is blank", sqlstate=BAD_ARGUMENT, stage="load")
        if len(value) > MAX_TEXT_CHARACTERS:
            raise PolarAIError(
                f"the text has {len(value):,} characters; the limit is {MAX_TEXT_CHARACTERS:,}",
                sqlstate=BAD_ARGUMENT,
                stage="load",
            )
        return value

    def _asked(self, items: Sequence[str | bytes]) -> list[Outcome]:
        """Ask for ``items`` in one request; where that fails because of an item, in halves."""
        if not items:
            return []
        try:
            skeleton, cut = vectors.cut(self.post(self._body(items)))
            answers = self.provider.embeddings(self.model, self._parsed(skeleton), len(items))
        except PolarAIError as error:
            if error.scope == "batch":
                raise
            if len(items) == 1:
                return [error]
            middle = len(items) // 2
            return self._asked(items[:middle]) + self._asked(items[middle:])
        return [self._checked(cut.get(answer, answer) if isinstance(answer, str) else answer) for answer in answers]

    def _body(self, items: Sequence[str | bytes]) -> bytes:
        body: Callable[[Model, Sequence[str | bytes]], bytes] | None = getattr(self.provider, "body", None)
        return body(self.model, items) if body else json.dumps(self.provider.request(self.model, items)).encode()

    def _checked(self, answer: Any) -> Outcome:
        try:
            return vectors.checked(answer, self.model.dimension)
        except PolarAIError as error:
            if error.scope == "batch":
                raise
            return error

    def _parsed(self, content: bytes) -> Any:
        try:
            return json.loads(content)
        except (ValueError, RecursionError):
            raise PolarAIError(
                f"model {self.model.model_id} returned something else than JSON",
                sqlstate=BAD_RESPONSE,
                stage="response",
                scope="batch",
            ) from None
