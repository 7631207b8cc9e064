"""Embedding inputs with a model of a known provider: prepared, asked and checked in worker threads.

Each input ends as its embedding or as its own PolarAIError; a fault of the whole batch (service down,
wrong token, wrong dimension) is raised instead.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol

from . import vectors
from .errors import BAD_ARGUMENT, BAD_RESPONSE, PolarAIError
from .interrupts import Operation, Poll, Slots, run_many
from .model import Model
from .paths import masked

# A text, a picture's path or its bytes.
Inputs = Sequence[str | bytes | None]
# An embedding, or why there is none.
Outcome = list[float] | vectors.Literal | PolarAIError


class Provider(Protocol):
    """The wire contract of one kind of model service."""

    NAME: str

    def request(self, model: Model, items: Sequence[str | bytes]) -> dict[str, Any]:
        """Return the request body for ``items``."""

    def embeddings(self, model: Model, response: Any, count: int) -> list[Any]:
        """Return ``count`` unchecked embeddings."""


class Embedder:
    """Embeds inputs with one model."""

    def __init__(
        self,
        model: Model,
        provider: Provider,
        load: Callable[[str, Operation], bytes],
        post: Callable[[bytes, Operation], bytes],
        reduce: Callable[[bytes, int, str, str], bytes],
        requests: Slots,
        decodes: Slots,
    ) -> None:
        """Take the model, its provider's adapter, and what fetches a path, sends a body and reduces a picture.

        ``requests`` and ``decodes`` bound how many run at once; embedders may share them.
        """
        self.model = model
        self._provider = provider
        self._load = load
        self._post = post
        self._reduce = reduce
        self._requests = requests
        self._decodes = decodes

    def embed(self, inputs: Inputs, operation: Operation, poll: Poll) -> list[Outcome]:
        """Return one outcome for each input, in order."""
        works = self.works(inputs, operation)
        outcomes: list[list[Outcome]] = [[] for _ in works]
        for position, outcome in run_many(works, operation, poll, self._requests.limit):
            outcomes[position] = outcome
        return [item for batch in outcomes for item in batch]

    def embed_one(self, content: str | bytes, operation: Operation, poll: Poll) -> list[float]:
        """Return the embedding of one input, or raise its error."""
        (outcome,) = self.embed([content], operation, poll)
        if isinstance(outcome, PolarAIError):
            raise outcome
        return outcome.floats() if isinstance(outcome, vectors.Literal) else outcome

    def works(self, inputs: Inputs, operation: Operation) -> list[Callable[[], list[Outcome]]]:
        """Return the work on ``inputs``, one request's worth each."""
        size = self.model.batch_size
        return [partial(self._embed, inputs[at : at + size], operation) for at in range(0, len(inputs), size)]

    def prepare(self, value: str | bytes | None, operation: Operation) -> str | bytes:
        """Return what is sent for one input: the text, or the image loaded and reduced."""
        if value is None or not value:
            raise PolarAIError("the input is NULL or empty", sqlstate=BAD_ARGUMENT, stage="load")
        if self.model.input == "text":
            if isinstance(value, bytes):
                raise PolarAIError("a text model cannot embed bytes", sqlstate=BAD_ARGUMENT, stage="load")
            self.model.check_text(value)
            return value
        name = "the image" if isinstance(value, bytes) else masked(value)
        content = value if isinstance(value, bytes) else self._load(value, operation)
        if not (size := self.model.image_size):
            return content
        with self._decodes.held(operation):
            return self._reduce(content, size, name, self.model.image_fit)

    def _embed(self, inputs: Inputs, operation: Operation) -> list[Outcome]:
        outcomes: list[Outcome | None] = []
        items: list[str | bytes] = []
        for value in inputs:
            try:
                items.append(self.prepare(value, operation))
                outcomes.append(None)
            except PolarAIError as error:
                if error.scope == "batch" and error.stage != "load":
                    raise
                outcomes.append(error)
        answers = iter(self._ask(items, operation))
        return [next(answers) if outcome is None else outcome for outcome in outcomes]

    def _ask(self, items: Sequence[str | bytes], operation: Operation) -> list[Outcome]:
        """Ask for ``items`` in one request; if that fails because of an item, in halves."""
        if not items:
            return []
        try:
            body = self._body(items)
            with self._requests.held(operation):
                answer = self._post(body, operation)
            skeleton, literals = vectors.cut(answer)
            embeddings = self._provider.embeddings(self.model, self._parse(skeleton), len(items))
        except PolarAIError as error:
            if error.scope == "batch":
                raise
            if len(items) == 1:
                return [error]
            middle = len(items) // 2
            return self._ask(items[:middle], operation) + self._ask(items[middle:], operation)
        return [self._outcome(literals.get(one, one) if isinstance(one, str) else one) for one in embeddings]

    def _body(self, items: Sequence[str | bytes]) -> bytes:
        body: Callable[[Model, Sequence[str | bytes]], bytes] | None = getattr(self._provider, "body", None)
        return body(self.model, items) if body else json.dumps(self._provider.request(self.model, items)).encode()

    def _outcome(self, embedding: Any) -> Outcome:
        try:
            return vectors.validate(embedding, self.model.dimension)
        except PolarAIError as error:
            if error.scope == "batch":
                raise
            return error

    def _parse(self, content: bytes) -> Any:
        try:
            return json.loads(content)
        except (ValueError, RecursionError):
            raise PolarAIError(
                f"model {self.model.model_id} returned something else than JSON",
                sqlstate=BAD_RESPONSE,
                stage="response",
                scope="batch",
            ) from None
