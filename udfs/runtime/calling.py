"""Calling a model: its request's headers, the request itself, and the JSON of its answer."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from ..providers import PROVIDERS
from . import http, images, sources
from .embedding import Embedder
from .errors import BAD_ARGUMENT, BAD_RESPONSE, PolarAIError, excerpt
from .interrupts import Operation, Slots
from .model import Model

# The escape \\u0000, its own backslash not escaped.
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# Headers that frame or identify the request; a headers function must not set them.
_FRAMING = {"connection", "content-length", "expect", "host", "te", "trailer", "transfer-encoding", "upgrade"}


def sender(model: Model, reach: sources.Reach, headers: str | None = None) -> Callable[[bytes, Operation], bytes]:
    """Return what sends a request body to ``model``, with its token and ``headers``, and returns the answer's body."""
    all_headers = headers_of(model, headers)
    return lambda body, operation: http.post(request(model, reach, all_headers, body), reach.limits, operation)


def request(model: Model, reach: sources.Reach, headers: Mapping[str, str], body: bytes) -> http.Request:
    """Return a request to ``model``."""
    # Registering the model named its URL.
    allow_list, description = reach.allow_list.naming(model.url), f"calling model {model.model_id}"
    return http.Request(model.url, allow_list, description, method="POST", headers=headers, body=body)


def headers_of(model: Model, text: str | None) -> dict[str, str]:
    """Return the headers with the model's token, and those of its headers function: a JSON object, or None."""
    return {**model.headers(), **_own_headers(model.model_id, text)}


def provider_of(model: Model) -> Any:
    """Return the adapter of a model's provider."""
    provider = PROVIDERS.get(model.provider)
    if provider is None:
        raise PolarAIError(
            f"model {model.model_id} has neither transform functions nor a known provider ({model.provider!r})",
            sqlstate=BAD_ARGUMENT,
            hint="Known providers: " + ", ".join(sorted(PROVIDERS)) + ".",
            scope="batch",
        )
    return provider


def embedder(model: Model, reach: sources.Reach, requests: Slots, decodes: Slots) -> Embedder:
    """Return an embedder for a model of a known provider."""

    def load(path: str, operation: Operation) -> bytes:
        return sources.load_picture(path, reach, operation)

    return Embedder(model, provider_of(model), load, sender(model, reach), images.for_model, requests, decodes)


def body_of(model: Model, reach: sources.Reach, content: str | None, operation: Operation) -> bytes:
    """Return the request body in which the model's provider asks for one embedding."""
    prepared = embedder(model, reach, Slots(1), Slots(1)).prepare(content, operation)
    return json.dumps(provider_of(model).request(model, [prepared])).encode()


def parse(model_id: str, content: bytes) -> Any:
    """Return an answer's JSON; raise BAD_RESPONSE for what PostgreSQL's jsonb could not hold."""
    try:
        text = content.decode("utf-8-sig")
        value = json.loads(text, parse_constant=_no_constant)
        if _NUL.search(text):
            raise ValueError("it holds a NUL character")
        if "\\ud" in text or "\\uD" in text:
            json.dumps(value, ensure_ascii=False).encode("utf-8")  # raises for half of a surrogate pair
        return value
    except (ValueError, RecursionError) as error:
        raise PolarAIError(
            f"calling model {model_id}: the answer is not JSON ({error})", sqlstate=BAD_RESPONSE, stage="response"
        ) from None


def _own_headers(model_id: str, text: str | None) -> dict[str, str]:
    """Return the result of a headers function as request headers; null leaves one out."""
    try:
        headers = json.loads(text or "{}")
    except ValueError:
        headers = None
    if not isinstance(headers, dict):
        raise PolarAIError(
            f"calling model {model_id}: its headers function returned something else than a JSON object",
            sqlstate=BAD_ARGUMENT,
            hint='For example {"X-Api-Key": "…"}.',
            scope="batch",
        )
    for name in headers:
        # A header that frames the request can hide a second one in it, to another path of the service.
        if not _HEADER_NAME.fullmatch(name) or name.lower() in _FRAMING or name.lower().startswith("proxy-"):
            raise PolarAIError(
                f"calling model {model_id}: a request header may not be called {excerpt(name, 40)!r}",
                sqlstate=BAD_ARGUMENT,
                hint="Look at its model_headers_fn.",
                scope="batch",
            )
    return {name: str(value) for name, value in headers.items() if value is not None}


def _no_constant(name: str) -> Any:
    raise ValueError(f"it holds {name}")
