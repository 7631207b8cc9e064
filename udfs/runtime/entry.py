"""What the SQL functions call: reads settings and the registry through plpy, works, and returns outcomes.

No function here raises for a known fault: an error raised in PL/Python would carry a Python traceback to
the client. Each returns (value, error), and the PL/pgSQL function around it raises the error.
"""

from __future__ import annotations

import hashlib
import json
import os
import traceback
from array import array
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, TypeVar

from ..providers import PROVIDERS
from . import allow_list, http, images, local_files
from .batches import Batch
from .embedding import Embedder, Outcome
from .errors import BAD_ARGUMENT, INTERNAL, PolarAIError, printable
from .interrupts import Operation, run
from .model import Model
from .slots import Slots

T = TypeVar("T")
Error = str | None  # PolarAIError.as_dict() as JSON

# Embedded query texts, by (model, its fingerprint, the text's hash); a few megabytes.
_query_cache: OrderedDict[tuple[str, str, bytes], array[float]] = OrderedDict()
QUERY_CACHE_SIZE = 1000

# The batch of a refresh that the next call is going to ask for, and what its threads share.
_ahead: Batch | None = None
_requests = Slots(4)
_decodes = Slots(max(2, len(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else 4)
# PostgreSQL keeps no value over 1 GB, whatever limit the caller gives.
MAX_BYTEA = 2**30 - 2**10


def load_file(plpy: Any, url: str, buffer_limit: int) -> tuple[bytes | None, Error]:
    """Return what ``url`` holds; None where it is larger than ``buffer_limit`` MB (0: no limit)."""

    def work() -> bytes | None:
        entries, limits = _allow_list(plpy), _limits(plpy)
        size = buffer_limit * 2**20
        bounded = min(size or MAX_BYTEA, MAX_BYTEA)
        content = _cancellable(plpy, lambda operation: _load(url, entries, limits, operation, bounded))
        if content is None and size != bounded:
            raise local_files.too_large(allow_list.masked(url), bounded)
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


def post(plpy: Any, model_id: str, body: str, headers: str | None) -> tuple[str | None, Error]:
    """Send ``body`` to a model's URL, with its token and ``headers`` (a JSON object); return the answer's JSON."""

    def work() -> str:
        model = _model(plpy, model_id)
        extra = _headers(model_id, headers)
        entries, limits = _allow_list(plpy), _limits(plpy)
        content = _cancellable(
            plpy,
            lambda operation: http.post(
                model.url,
                body.encode(),
                {**model.headers(), **extra},
                entries,
                limits,
                operation,
                f"calling model {model_id}",
            ),
        )
        try:
            # NaN and Infinity are no JSON: PostgreSQL would refuse them without saying whose they are.
            json.loads(content, parse_constant=_no_constant)
            return content.decode("utf-8")
        except (ValueError, RecursionError) as error:
            raise PolarAIError(
                f"calling model {model_id}: the answer is not JSON ({error})",
                sqlstate="08P01",
                stage="response",
            ) from None

    return _outcome(plpy, work)


def embed(
    plpy: Any,
    model_id: str,
    inputs: list[str | bytes | None],
    ahead: list[str | bytes | None] | None,
    in_flight: int,
    dimension: int | None,
) -> Iterator[tuple[int, str | None, Error]]:
    """Yield (position from 1, the embedding as pgvector's literal, error) for each input, in order.

    ``ahead`` is what the next call will ask for: it is begun now, and kept for that call. A fault of the whole
    batch is yielded as one more row, with position 0; inputs that it left unanswered have none.
    """

    def work() -> tuple[list[Outcome | None], PolarAIError | None]:
        global _ahead
        model = _model(plpy, model_id)
        if dimension is not None and model.dimension is None:
            model = replace(model, config={**model.config, "dimension": dimension})
        _requests.limit = max(1, in_flight)
        begun, _ahead = _ahead, None
        if begun is not None and not begun.is_of(model, inputs):
            begun.abandon()
            begun = None
        begun = begun or _begin(plpy, model, inputs)
        try:
            _ahead = _begin(plpy, model, ahead) if ahead else None
            outcomes, fault = begun.finish(lambda: _poll(plpy))
        except BaseException:
            begun.abandon()
            _abandon_ahead()
            raise
        if fault is not None:
            _abandon_ahead()
        return outcomes, fault

    done, error = _outcome(plpy, work)
    outcomes, fault = done or ([], None)
    for position, outcome in enumerate(outcomes, 1):
        if isinstance(outcome, PolarAIError):
            yield position, None, json.dumps(outcome.as_dict())
        elif outcome is not None:
            yield position, getattr(outcome, "literal", "") or str(outcome), None
    if fault is not None:
        error = json.dumps(fault.as_dict())
    if error is not None:
        yield 0, None, error


def _begin(plpy: Any, model: Model, inputs: list[str | bytes | None]) -> Batch:
    embedder, _ = _embedder(plpy, model, operation := Operation())
    send = embedder.post

    def post(body: bytes) -> bytes:
        with _requests.held(operation):
            return send(body)

    def reduce(content: bytes, size: int, name: str) -> bytes:
        with _decodes.held(operation):
            return images.for_model(content, size, name)

    embedder.post, embedder.reduce = post, reduce
    return Batch(embedder, inputs, operation)


def _abandon_ahead() -> None:
    global _ahead
    if _ahead is not None:
        _ahead.abandon()
        _ahead = None


def embed_one(plpy: Any, model_id: str, fingerprint: str, content: str) -> tuple[list[float] | None, Error]:
    """Return one embedding; that of a text is kept in the session, as long as the model stays the same."""

    def work() -> list[float]:
        # Hashed: a text may be long, and what the session keeps has to stay small.
        key = (model_id, fingerprint, hashlib.sha256(content.encode("utf-8", "replace")).digest())
        if key in _query_cache:
            _query_cache.move_to_end(key)
            return list(_query_cache[key])
        model = _model(plpy, model_id)
        embedder, poll = _embedder(plpy, model, operation := Operation())
        (outcome,) = embedder.embed([content], operation, poll, 1)
        if isinstance(outcome, PolarAIError):
            raise outcome
        if model.input == "text":
            _query_cache[key] = array("d", outcome)
            while len(_query_cache) > QUERY_CACHE_SIZE:
                _query_cache.popitem(last=False)
        return outcome

    return _outcome(plpy, work)


def _embedder(plpy: Any, model: Model, operation: Operation) -> tuple[Embedder, Callable[[], None]]:
    provider = PROVIDERS.get(model.provider)
    if provider is None:
        raise PolarAIError(
            f"model {model.model_id} has neither transform functions nor a known provider ({model.provider!r})",
            sqlstate=BAD_ARGUMENT,
            hint="Known providers: " + ", ".join(sorted(PROVIDERS)) + ".",
            scope="batch",
        )
    entries, limits = _allow_list(plpy), _limits(plpy)

    def load(url: str) -> bytes:
        limit = 100 * 2**20
        content = _load(url, entries, limits, operation, limit)
        if content is None:
            raise local_files.too_large(url, limit)
        return content

    def send(body: bytes) -> bytes:
        described = f"calling model {model.model_id}"
        return http.post(model.url, body, model.headers(), entries, limits, operation, described)

    return Embedder(model, provider, load, send), lambda: _poll(plpy)


def _load(url: str, entries: list[str], limits: http.Limits, operation: Operation, size: int) -> bytes | None:
    path = local_files.path_of(url)
    if path is not None:
        return local_files.read(path, entries, size)
    return http.get(url, entries, limits, operation, size)


def _cancellable(plpy: Any, work: Callable[[Operation], T]) -> T:
    operation = Operation()
    return run(lambda: work(operation), operation, lambda: _poll(plpy))


def _poll(plpy: Any) -> None:
    # Any statement notices a pending cancel or timeout.
    plpy.execute("select 1")


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


def _allow_list(plpy: Any) -> list[str]:
    return [row["entry"] for row in plpy.execute("select entry from polar_ai.allow_list")]


def _limits(plpy: Any) -> http.Limits:
    row = plpy.execute(
        """
        select current_setting('polar.ai.http_timeout_msec', true) as timeout,
               current_setting('polar.ai.retry_times', true) as retry_times,
               current_setting('polar.ai.retry_interval_msec', true) as retry_interval,
               current_setting('polar.ai.http_keep_alive', true) as keep_alive
        """
    )[0]
    return http.Limits(
        timeout=_setting("http_timeout_msec", row["timeout"], 10_000, 100_000) / 1000 or 100.0,
        retry_times=_setting("retry_times", row["retry_times"], 0, 100),
        retry_interval=_setting("retry_interval_msec", row["retry_interval"], 3_000, 100_000) / 1000,
        keep_alive=(row["keep_alive"] or "on").lower() in ("on", "true", "yes", "1", "t", "y"),
    )


def _setting(name: str, text: str | None, default: int, highest: int) -> int:
    if not text:
        return default
    if text.strip().isdecimal() and int(text) <= highest:
        return int(text)
    raise PolarAIError(
        f"polar.ai.{name} is {text!r}: not a whole number from 0 to {highest}",
        sqlstate=BAD_ARGUMENT,
        scope="batch",
    )


def _model(plpy: Any, model_id: str) -> Model:
    rows = plpy.execute(
        plpy.prepare(
            """
            select m.model_url, m.model_provider, m.model_name, m.model_config, s.token
            from polar_ai.models as m
            left join polar_ai.model_secrets as s on s.model_id = m.model_id
            where m.model_id = $1
            """,
            ["text"],
        ),
        [model_id],
    )
    if not rows:
        raise PolarAIError(
            f"there is no model {model_id}",
            sqlstate="42704",
            hint="select model_id from polar_ai._ai_models; lists the registered ones.",
            scope="batch",
        )
    row = rows[0]
    return Model(
        model_id=model_id,
        url=row["model_url"],
        provider=(row["model_provider"] or "").lower(),
        name=row["model_name"],
        config=json.loads(row["model_config"]),
        token=_token(model_id, row["token"]),
    )


def _headers(model_id: str, text: str | None) -> dict[str, str]:
    """Return what a headers function made, as request headers; null leaves one out."""
    made = json.loads(text or "{}")
    if not isinstance(made, dict):
        raise PolarAIError(
            f"calling model {model_id}: its headers function returned something else than a JSON object",
            sqlstate=BAD_ARGUMENT,
            hint='For example {"X-Api-Key": "…"}.',
            scope="batch",
        )
    return {name: str(value) for name, value in made.items() if value is not None}


def _token(model_id: str, stored: str | None) -> str | None:
    """Return the token itself: ``env:NAME`` stands for a variable of the server's own environment."""
    if not stored or not stored.startswith("env:"):
        return stored
    value = os.environ.get(stored[4:])
    if not value:
        raise PolarAIError(
            f"model {model_id}: its token is {stored}, but the database server has no such variable",
            sqlstate=BAD_ARGUMENT,
            hint="Set it in the server's environment and restart the server.",
            scope="batch",
        )
    return value


def _no_constant(name: str) -> Any:
    raise ValueError(f"it holds {name}")
