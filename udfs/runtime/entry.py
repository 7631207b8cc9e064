"""What the SQL functions call: each function here works and returns its outcome.

No function raises for a known fault: an error raised in PL/Python would carry a Python traceback to the client.
Each returns (value, error), and the PL/pgSQL function around it raises the error.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
import traceback
from array import array
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, TypeVar

from ..providers import PROVIDERS
from . import http, images, listing, local_files, locations, merging, session, storage, thumbnails
from .batches import Stream
from .embedding import Embedder, Outcome
from .errors import BAD_ARGUMENT, BAD_RESPONSE, INTERNAL, PolarAIError, excerpt, printable
from .interrupts import Operation, run, run_many
from .loading import Reach, check_picture
from .locations import Location, masked
from .model import Model
from .vectors import Literal

T = TypeVar("T")
Error = str | None  # PolarAIError.as_dict() as JSON

# Embedded query texts, by (model, its fingerprint, the text's hash); a few megabytes.
_query_cache: OrderedDict[tuple[str, str, bytes], array[float]] = OrderedDict()
QUERY_CACHE_SIZE = 1000

# Whether this session was told that its statements' secrets are logged.
_warned = False

# What a refresh has under way between its statements.
_stream = Stream()
# PostgreSQL keeps no value over 1 GB, whatever limit the caller gives.
MAX_BYTEA = 2**30 - 2**10
# The escape \\u0000, its own backslash not escaped.
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# What frames a request or says whose it is, and so is nobody's to set.
_FRAMING = {"connection", "content-length", "expect", "host", "te", "trailer", "transfer-encoding", "upgrade"}
# Requests under way at once, where the caller does not say.
IN_FLIGHT = 4
# What a model may load for one input.
MAX_INPUT_BYTES = 100 * 2**20


def load_file(plpy: Any, url: str, buffer_limit: int, permits: str) -> tuple[bytes | None, Error]:
    """Return what ``url`` holds; None where it is larger than ``buffer_limit`` MB (0: no limit)."""

    def work() -> bytes | None:
        _warn_of_secret(plpy, url)
        reach = _reach(plpy, permits)
        size = buffer_limit * 2**20
        bounded = min(size or MAX_BYTEA, MAX_BYTEA)
        content = _cancellable(plpy, lambda operation: reach.load(url, operation, bounded))
        if content is None and size != bounded:
            raise local_files.too_large(masked(url), bounded)
        return content

    return _outcome(plpy, work)


def resize_image(plpy: Any, image: bytes, width: int, height: int) -> tuple[bytes | None, Error]:
    """See images.resize."""
    return _outcome(plpy, lambda: _cancellable(plpy, lambda _: images.resize(image, width, height)))


def image_as_base64(plpy: Any, image: bytes, mime_type: bool) -> tuple[str | None, Error]:
    """See images.as_base64."""
    return _outcome(plpy, lambda: _cancellable(plpy, lambda _: images.as_base64(image, mime_type)))


def image_from_base64(plpy: Any, image: str) -> tuple[bytes | None, Error]:
    """See images.from_base64."""
    return _outcome(plpy, lambda: _cancellable(plpy, lambda _: images.from_base64(image)))


def post(plpy: Any, model_id: str, permit: str, body: str, headers: str | None) -> tuple[str | None, Error]:
    """Send ``body`` to a model's URL, with its token and ``headers`` (a JSON object); return the answer's JSON."""

    def work() -> str:
        send, operation = _sender(plpy, session.model(plpy, model_id, permit), headers)
        content = run(lambda: send(body.encode()), operation, lambda: session.poll(plpy))
        _parsed(model_id, content)
        return content.decode("utf-8-sig")

    return _outcome(plpy, work)


def post_many(
    plpy: Any, model_id: str, permit: str, bodies: list[str], headers: str | None, most: int, in_flight: int | None
) -> Iterator[tuple[int, str | None, Error]]:
    """Send request bodies, merged as the model declares with at most ``most`` in one; yield a response for each.

    Yields (position from 1, response JSON, error), in order. A fault of the whole batch is one row with position 0.
    """

    def work() -> list[str | PolarAIError]:
        model = session.model(plpy, model_id, permit)
        how = merging.declared(model_id, model.config)
        send, operation = _sender(plpy, model, headers)
        parsed = [json.loads(body) for body in bodies]
        groups = merging.groups(parsed, how, most)

        def ask(group: list[int]) -> list[str | PolarAIError]:
            try:
                answer = _parsed(model_id, send(json.dumps(merging.merged([parsed[at] for at in group], how)).encode()))
                return [json.dumps(one) for one in merging.split(answer, len(group), how, model_id)]
            except PolarAIError as error:
                if error.scope == "batch":
                    raise
                return [error] * len(group)

        works = [lambda group=group: ask(group) for group in groups]
        answers: list[str | PolarAIError] = [""] * len(bodies)
        for number, found in run_many(works, operation, lambda: session.poll(plpy), max(1, in_flight or IN_FLIGHT)):
            for at, one in zip(groups[number], found, strict=True):
                answers[at] = one
        return answers

    answers, error = _outcome(plpy, work)
    if answers is None:
        yield 0, None, error
        return
    for position, one in enumerate(answers, 1):
        if isinstance(one, PolarAIError):
            yield position, None, json.dumps(one.as_dict())
        else:
            yield position, one, None


def embed(
    plpy: Any,
    model_id: str,
    permit: str,
    inputs: list[str | bytes | None],
    ahead: list[str | bytes | None] | None,
    in_flight: int | None,
    dimension: int | None,
) -> Iterator[tuple[int, str | None, Error]]:
    """Yield (position from 1, the embedding as pgvector's literal, error) for each input, in order.

    ``ahead`` is what the next call will ask for: it is begun now, and kept for that call. A fault of the whole
    batch is yielded as one more row, with position 0; inputs that it left unanswered have none.
    """

    def work() -> tuple[list[Outcome | None], PolarAIError | None]:
        model = session.model(plpy, model_id, permit)
        if dimension is not None and model.dimension is None:
            model = replace(model, config={**model.config, "dimension": dimension})

        def embedder(operation: Operation) -> Embedder:
            return _embedder(plpy, model, permit, operation)[0]

        return _stream.embed(embedder, model, inputs, ahead, in_flight or IN_FLIGHT, lambda: session.poll(plpy))

    done, error = _outcome(plpy, work)
    outcomes, fault = done or ([], None)
    for position, outcome in enumerate(outcomes, 1):
        if isinstance(outcome, PolarAIError):
            yield position, None, json.dumps(outcome.as_dict())
        elif outcome is not None:
            yield position, str(outcome), None
    if fault is not None:
        error = json.dumps(fault.as_dict())
    if error is not None:
        yield 0, None, error


def embed_one(
    plpy: Any, model_id: str, permit: str, fingerprint: str, content: str
) -> tuple[list[float] | None, Error]:
    """Return one embedding; that of a text is kept in the session, as long as the model stays the same."""

    def work() -> list[float]:
        model = session.model(plpy, model_id, permit)
        # Hashed: a text may be long, and what the session keeps has to stay small.
        key = (model_id, fingerprint, hashlib.sha256(content.encode("utf-8", "replace")).digest())
        if key in _query_cache:
            _query_cache.move_to_end(key)
            return list(_query_cache[key])
        outcome = _embedded(plpy, model, permit, content)
        if model.input == "text":
            _query_cache[key] = array("d", outcome)
            while len(_query_cache) > QUERY_CACHE_SIZE:
                _query_cache.popitem(last=False)
        return outcome

    return _outcome(plpy, work)


def probe(plpy: Any, model_id: str, permit: str) -> tuple[int | None, Error]:
    """Embed one small input of the model's kind, and return the dimension of what comes back."""

    def work() -> int:
        model = session.model(plpy, model_id, permit)
        return len(_embedded(plpy, model, permit, images.example() if model.input == "image" else "polarlens"))

    return _outcome(plpy, work)


def call_provider(plpy: Any, model_id: str, permit: str, content: str) -> tuple[str | None, Error]:
    """Return what a generating or classifying model of a known provider answers, as JSON."""

    def work() -> str:
        model = session.model(plpy, model_id, permit)
        provider = _provider(model)
        if not hasattr(provider, "question"):
            raise PolarAIError(
                f"model {model_id}: the provider {model.provider} only embeds, but model_type is {model.type}",
                sqlstate=BAD_ARGUMENT,
            )
        send, operation = _sender(plpy, model, None)
        body = json.dumps(provider.question(model, content)).encode()
        answer = run(lambda: send(body), operation, lambda: session.poll(plpy))
        return json.dumps(provider.answer(model, _parsed(model_id, answer)))

    return _outcome(plpy, work)


def call_raw(
    plpy: Any, model_id: str, permit: str, body: str | None, content: str | None, headers: str | None
) -> tuple[int | None, str | None, str | None, float | None, Error]:
    """Return (status, headers, body, milliseconds) of one exchange, whatever the status says.

    ``body`` is what to send; where it is None, the model's provider makes it of ``content``.
    """

    def work() -> tuple[int, str, str, float]:
        model = session.model(plpy, model_id, permit)
        entries, limits = session.allow_list(plpy), session.limits(plpy)
        operation = Operation()
        embedder = _embedder(plpy, model, permit, operation)[0] if body is None else None
        sent = {**model.headers(), **_headers(model_id, headers)}
        described = f"calling model {model_id}"

        def exchange() -> http.Answer:
            made = body if embedder is None else json.dumps(_body(embedder, content))
            return http.exchange(model.url, (made or "").encode(), sent, entries, limits, operation, described)

        started = time.monotonic()
        answer = run(exchange, operation, lambda: session.poll(plpy))
        took = (time.monotonic() - started) * 1000
        shown = {name: value for name, value in answer.headers.items() if name.lower() != "set-cookie"}
        return answer.status, json.dumps(shown), printable(answer.content.decode("utf-8", "replace")) or "", took

    done, error = _outcome(plpy, work)
    return (None, None, None, None, error) if done is None else (*done, None)


def seal_token(plpy: Any, token: str) -> tuple[str | None, Error]:
    """See session.sealed_token."""
    return _outcome(plpy, lambda: session.sealed_token(plpy, token))


def check_location(plpy: Any, name: str, url: str, options: str, secret: str | None) -> Error:
    """See locations.checked."""
    return _outcome(plpy, lambda: locations.checked(Location(name, url, json.loads(options), secret or None)))[1]


def list_files(
    plpy: Any, name: str, prefix: str, permits: str
) -> Iterator[tuple[str | None, int | None, str | None, str | None, str | None, Error]]:
    """Yield (path, size, last_modified, etag, content type, error) of what lies in a location below ``prefix``."""
    operation = Operation()

    def begun() -> Iterator[listing.Row]:
        reach = _reach(plpy, permits)
        location = reach.location(name, name)
        return listing.files(location, prefix, reach.entries, reach.limits, operation, lambda: session.poll(plpy))

    rows, error = _outcome(plpy, begun)
    while rows is not None:
        row, error = _outcome(plpy, lambda: next(rows, None))
        if row is None:
            break
        yield *row, None
    if error is not None:
        yield None, None, None, None, None, error


def test_location(plpy: Any, name: str, permits: str) -> tuple[str | None, Error]:
    """List one object of a location, and read it: return its path, or None where there is none."""

    def work() -> str | None:
        reach, operation = _reach(plpy, permits), Operation()
        location = reach.location(name, name)

        def poll() -> None:
            session.poll(plpy)

        if location.kind == "http":
            run(lambda: storage.check_answers(location, reach.entries, reach.limits, operation), operation, poll)
            return None
        first = next(listing.files(location, "", reach.entries, reach.limits, operation, poll, most=1), None)
        if first is None:
            return None
        again = Operation()
        run(lambda: reach.load(location.path(first[0]), again, MAX_INPUT_BYTES), again, poll)
        return location.path(first[0])

    return _outcome(plpy, work)


def presign_url(plpy: Any, path: str, seconds: int, permits: str) -> tuple[str | None, Error]:
    """Return a URL that shows ``path`` for so long, to whoever has it."""

    def work() -> str:
        _warn_of_secret(plpy, path)
        reach = _reach(plpy, permits)
        return _cancellable(plpy, lambda operation: reach.url(path, seconds, operation))

    return _outcome(plpy, work)


def load_thumbnails(plpy: Any, paths: list[str], size: int, permits: str) -> Iterator[tuple[int, bytes | None, Error]]:
    """Yield (position from 1, the small picture, error) for each path, as they are made.

    A fault of the whole (a cancel) is one more row, with position 0.
    """

    def begun() -> Iterator[tuple[int, thumbnails.Made]]:
        for path in paths:
            _warn_of_secret(plpy, path)
        reach = _reach(plpy, permits)
        return thumbnails.made(paths, size, MAX_INPUT_BYTES, reach, Operation(), lambda: session.poll(plpy))

    rows, error = _outcome(plpy, begun)
    while rows is not None:
        row, error = _outcome(plpy, lambda: next(rows, None))
        if row is None:
            break
        position, picture = row
        if isinstance(picture, PolarAIError):
            yield position + 1, None, json.dumps(picture.as_dict())
        else:
            yield position + 1, picture, None
    if error is not None:
        yield 0, None, error


def cached_models() -> list[str]:
    """See session.cached_models."""
    return session.cached_models()


def _embedded(plpy: Any, model: Model, permit: str, content: str | bytes) -> list[float]:
    embedder, poll = _embedder(plpy, model, permit, operation := Operation())
    (outcome,) = embedder.embed([content], operation, poll, 1)
    if isinstance(outcome, PolarAIError):
        raise outcome
    return outcome.floats() if isinstance(outcome, Literal) else outcome


def _body(embedder: Embedder, content: str | None) -> Any:
    return embedder.provider.request(embedder.model, [embedder.prepared(content)])


def _provider(model: Model) -> Any:
    provider = PROVIDERS.get(model.provider)
    if provider is None:
        raise PolarAIError(
            f"model {model.model_id} has neither transform functions nor a known provider ({model.provider!r})",
            sqlstate=BAD_ARGUMENT,
            hint="Known providers: " + ", ".join(sorted(PROVIDERS)) + ".",
            scope="batch",
        )
    return provider


def _embedder(plpy: Any, model: Model, permit: str, operation: Operation) -> tuple[Embedder, Callable[[], None]]:
    provider = _provider(model)
    reach = _reach(plpy, permit)
    entries, limits = reach.entries, reach.limits

    def load(path: str) -> bytes:
        check_picture(path)
        content = reach.load(path, operation, MAX_INPUT_BYTES)
        if content is None:
            raise local_files.too_large(masked(path), MAX_INPUT_BYTES)
        return content

    def send(body: bytes) -> bytes:
        described = f"calling model {model.model_id}"
        return http.post(model.url, body, model.headers(), entries, limits, operation, described)

    return Embedder(model, provider, load, send), lambda: session.poll(plpy)


def _sender(plpy: Any, model: Model, headers: str | None) -> tuple[Callable[[bytes], bytes], Operation]:
    entries, limits, operation = session.allow_list(plpy), session.limits(plpy), Operation()
    sent = {**model.headers(), **_headers(model.model_id, headers)}
    described = f"calling model {model.model_id}"
    return lambda body: http.post(model.url, body, sent, entries, limits, operation, described), operation


def _warn_of_secret(plpy: Any, path: str) -> None:
    """Once a session, say so where a statement with an oss:// URL's secret in it goes to the server's log."""
    global _warned
    if not _warned and path[:6].lower() == "oss://":
        _warned = True
        plpy.execute("select polar_ai._warn_of_secret()")


def _reach(plpy: Any, permits: str) -> Reach:
    found = session.locations(plpy, permits)
    return Reach(session.allow_list(plpy), session.limits(plpy), found, session.oss_endpoint(plpy))


def _cancellable(plpy: Any, work: Callable[[Operation], T]) -> T:
    operation = Operation()
    return run(lambda: work(operation), operation, lambda: session.poll(plpy))


def _outcome(plpy: Any, work: Callable[[], T]) -> tuple[T | None, Error]:
    try:
        return work(), None
    except PolarAIError as error:
        return None, json.dumps(error.as_dict())
    except plpy.SPIError as error:
        # A cancel or statement_timeout, raised by the poll: passed on under its own SQLSTATE.
        return None, json.dumps({"message": printable(str(error)), "sqlstate": error.sqlstate})
    except Exception as error:
        # A defect of ours. Where it happened helps; what the data was stays out.
        frame = traceback.extract_tb(error.__traceback__)[-1]
        message = f"internal error: {type(error).__name__} in {frame.name}, line {frame.lineno}: {error}"
        return None, json.dumps({"message": printable(message), "sqlstate": INTERNAL})


def _headers(model_id: str, text: str | None) -> dict[str, str]:
    """Return what a headers function made, as request headers; null leaves one out."""
    try:
        made = json.loads(text or "{}")
    except ValueError:
        made = None
    if not isinstance(made, dict):
        raise PolarAIError(
            f"calling model {model_id}: its headers function returned something else than a JSON object",
            sqlstate=BAD_ARGUMENT,
            hint='For example {"X-Api-Key": "…"}.',
            scope="batch",
        )
    for name in made:
        # Whoever sets the frame of a request can hide a second one in it, to another path of the service.
        if not _HEADER_NAME.fullmatch(name) or name.lower() in _FRAMING or name.lower().startswith("proxy-"):
            raise PolarAIError(
                f"calling model {model_id}: a request header may not be called {excerpt(name, 40)!r}",
                sqlstate=BAD_ARGUMENT,
                hint="Look at its model_headers_fn.",
                scope="batch",
            )
    return {name: str(value) for name, value in made.items() if value is not None}


def _parsed(model_id: str, content: bytes) -> Any:
    try:
        text = content.decode("utf-8-sig")
        # What jsonb cannot hold, PostgreSQL would refuse without saying whose it is.
        parsed = json.loads(text, parse_constant=_no_constant)
        if _NUL.search(text):
            raise ValueError("it holds a NUL character")
        if "\\ud" in text or "\\uD" in text:
            json.dumps(parsed, ensure_ascii=False).encode("utf-8")  # raises for half of a surrogate pair
        return parsed
    except (ValueError, RecursionError) as error:
        raise PolarAIError(
            f"calling model {model_id}: the answer is not JSON ({error})", sqlstate=BAD_RESPONSE, stage="response"
        ) from None


def _no_constant(name: str) -> Any:
    raise ValueError(f"it holds {name}")
