"""Endpoints for models: embedding, calling with a body of the caller's, and trying."""

from __future__ import annotations

import hashlib
import json
import time
from array import array
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from .. import calling, http, images, merging, sources
from ..database import Database, Session, session_of
from ..errors import BAD_ARGUMENT, PolarAIError, printable
from ..interrupts import Operation, Slots, run_many
from ..model import Model
from .outcome import Error, outcome, rows, value

# Requests under way at once, unless the caller says.
IN_FLIGHT = 4
# Embedded query texts that a session keeps: a few megabytes.
KEPT_TEXTS = 1000


@value
def post(session: Session, model_id: str, permit: str, body: str, headers: str | None) -> str:
    """Send ``body`` to a model's URL, with its token and ``headers`` (a JSON object); return the answer's JSON."""
    send = calling.sender(*session.model(model_id, permit), headers)
    content = session.run(lambda operation: send(body.encode(), operation))
    calling.parse(model_id, content)
    return content.decode("utf-8-sig")


@rows
def post_many(
    session: Session,
    model_id: str,
    permit: str,
    bodies: list[str],
    headers: str | None,
    most: int,
    in_flight: int | None,
) -> Iterator[tuple[int, str | PolarAIError]]:
    """Send request bodies, merged as the model declares with at most ``most`` in one; yield a response for each.

    A fault of the whole batch is the only row then.
    """
    model, reach = session.model(model_id, permit)
    merge = merging.declared(model_id, model.config)
    send, operation = calling.sender(model, reach, headers), Operation()

    def ask(body: Any) -> Any:
        return calling.parse(model_id, send(json.dumps(body).encode(), operation))

    works = merging.works(model_id, [json.loads(body) for body in bodies], merge, most, ask)
    responses: dict[int, str | PolarAIError] = {}
    for _, answered in run_many(works, operation, session.poll, max(1, in_flight or IN_FLIGHT)):
        responses.update(answered)
    yield from sorted(responses.items())


@rows
def embed(
    session: Session,
    model_id: str,
    permit: str,
    inputs: list[str | bytes | None],
    ahead: list[str | bytes | None] | None,
    in_flight: int | None,
    dimension: int | None,
) -> Iterator[tuple[int, str | PolarAIError]]:
    """Yield the embedding of each input as pgvector's literal, or its error, in order.

    ``ahead`` is what the next call will ask for: it is begun now, and kept for that call. Inputs that a fault of the
    whole batch left unanswered have no row.
    """
    model, reach = session.model(model_id, permit, locations=True)
    if dimension is not None and model.dimension is None:
        model = replace(model, config={**model.config, "dimension": dimension})
    stream = session.stream
    embedder = calling.embedder(model, reach, stream.requests, stream.decodes)
    outcomes, fault = stream.embed(embedder, inputs, ahead, in_flight or IN_FLIGHT, session.poll)
    for position, one in enumerate(outcomes):
        if one is not None:
            yield position, str(one) if isinstance(one, list) else one
    if fault is not None:
        raise fault


@value
def embed_one(session: Session, model_id: str, permit: str, fingerprint: str, content: str) -> list[float]:
    """Return one embedding; that of a text is kept in the session, as long as the model stays the same."""
    model, reach = session.model(model_id, permit, locations=True)
    # Hashed: a text may be long.
    key = (model_id, fingerprint, hashlib.sha256(content.encode("utf-8", "replace")).digest())
    if (kept := session.texts.get(key)) is not None:
        session.texts.move_to_end(key)
        return list(kept)
    embedding = _embedding(session, model, reach, content)
    if model.input == "text":
        session.texts.keep(key, array("d", embedding), KEPT_TEXTS)
    return embedding


@value
def probe(session: Session, model_id: str, permit: str) -> int:
    """Embed one small input of the model's kind, and return the dimension of the result."""
    model, reach = session.model(model_id, permit, locations=True)
    return len(_embedding(session, model, reach, images.example() if model.input == "image" else "polarlens"))


@value
def call_provider(session: Session, model_id: str, permit: str, content: str) -> str:
    """Return the answer of a generating or classifying model of a known provider, as JSON."""
    model, reach = session.model(model_id, permit)
    provider = calling.provider_of(model)
    if not hasattr(provider, "question"):
        raise PolarAIError(
            f"model {model_id}: the provider {model.provider} only embeds, but model_type is {model.type}",
            sqlstate=BAD_ARGUMENT,
        )
    send, body = calling.sender(model, reach), json.dumps(provider.question(model, content)).encode()
    answer = session.run(lambda operation: send(body, operation))
    return json.dumps(provider.answer(model, calling.parse(model_id, answer)))


def call_raw(
    database: Database, model_id: str, permit: str, body: str | None, content: str | None, headers: str | None
) -> tuple[int | None, str | None, str | None, float | None, Error]:
    """Return (status, headers, body, milliseconds, error) of one exchange, whatever its status.

    Sends ``body``; if that is None, the body that the model's provider makes of ``content``.
    """
    session = session_of(database)

    def work() -> tuple[int, str, str, float]:
        model, reach = session.model(model_id, permit, locations=True)
        all_headers = calling.headers_of(model, headers)

        def ask(operation: Operation) -> http.Answer:
            sent = calling.body_of(model, reach, content, operation) if body is None else body.encode()
            return http.ask(calling.request(model, reach, all_headers, sent), reach.limits, operation)

        started = time.monotonic()
        answer = session.run(ask)
        milliseconds = (time.monotonic() - started) * 1000
        shown = {name: value for name, value in answer.headers.items() if name.lower() != "set-cookie"}
        text = printable(answer.content.decode("utf-8", "replace")) or ""
        return answer.status, json.dumps(shown), text, milliseconds

    done, error = outcome(database, work)
    return (None, None, None, None, error) if done is None else (*done, None)


@value
def seal_token(session: Session, token: str) -> str:
    """Return ``token`` as it is to be stored."""
    return session.seal(token)


def cached_models(database: Database) -> list[str]:
    """Return the ids of the models that the session keeps, the oldest first."""
    return list(session_of(database).models)


def _embedding(session: Session, model: Model, reach: sources.Reach, content: str | bytes) -> list[float]:
    return calling.embedder(model, reach, Slots(1), Slots(1)).embed_one(content, Operation(), session.poll)
